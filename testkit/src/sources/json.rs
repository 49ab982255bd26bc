//! Compact sources (spec/30 §7.3).

use serde_json::Value;

use super::{ByOwner, Group, Media, Semantics, Source, Sources};

/// Reads the text of a `<json-message>`. As strict as the format is written down: three or four arrays an owner, no
/// unknown keys.
pub fn from_json(text: &str) -> Result<ByOwner, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("json-message is not JSON: {e}: {text}"))?;
    let root = value.as_object().ok_or("json-message is no object")?;
    if let Some(key) = root.keys().find(|key| *key != "sources") {
        return Err(format!("json-message with unknown key '{key}'"));
    }
    let owners = root.get("sources").and_then(Value::as_object).ok_or("json-message without object 'sources'")?;
    owners.iter().map(|(owner, arrays)| Ok((owner.clone(), of_owner(owner, arrays)?))).collect()
}

fn of_owner(owner: &str, arrays: &Value) -> Result<Sources, String> {
    let arrays = arrays.as_array().ok_or_else(|| format!("sources of {owner} are no array"))?;
    if !(3..=4).contains(&arrays.len()) {
        return Err(format!("{} arrays for {owner}, not 3 or 4", arrays.len()));
    }
    let array = |index: usize| match arrays.get(index) {
        Some(value) => value.as_array().ok_or_else(|| format!("array {index} of {owner} is none: {value}")),
        None => Ok(const { &Vec::new() }),
    };
    let mut sources = Sources::default();
    for value in array(0)? {
        sources.sources.push(source(Media::Video, value)?);
    }
    for value in array(1)? {
        sources.groups.push(group(Media::Video, value)?);
    }
    for value in array(2)? {
        sources.sources.push(source(Media::Audio, value)?);
    }
    for value in array(3)? {
        sources.groups.push(group(Media::Audio, value)?);
    }
    Ok(sources)
}

fn source(media: Media, value: &Value) -> Result<Source, String> {
    let object = value.as_object().ok_or_else(|| format!("a source is no object: {value}"))?;
    if let Some(key) = object.keys().find(|key| !["s", "n", "m", "v"].contains(&key.as_str())) {
        return Err(format!("a source with unknown key '{key}': {value}"));
    }
    let text = |key: &str| match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("'{key}' is no string: {value}")),
    };
    let desktop = match text("v")?.as_deref() {
        None => false,
        Some("d") if media == Media::Video => true,
        Some(other) => return Err(format!("video type '{other}' in {value}")),
    };
    let ssrc = ssrc(object.get("s").ok_or_else(|| format!("a source without 's': {value}"))?)?;
    Ok(Source { ssrc, media, name: text("n")?, msid: text("m")?, desktop })
}

fn group(media: Media, value: &Value) -> Result<Group, String> {
    let array = value.as_array().ok_or_else(|| format!("a group is no array: {value}"))?;
    let semantics = match array.first().and_then(Value::as_str) {
        Some("f") => Semantics::Fid,
        Some("s") => Semantics::Sim,
        _ => return Err(format!("a group of unknown kind: {value}")),
    };
    let ssrcs = array[1..].iter().map(ssrc).collect::<Result<_, _>>()?;
    Ok(Group { media, semantics, ssrcs })
}

fn ssrc(value: &Value) -> Result<u32, String> {
    let number = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n != 0);
    number.ok_or_else(|| format!("no SSRC: {value}"))
}
