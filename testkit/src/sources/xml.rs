//! Sources as XML (spec/30 §7.2): reading what the focus says, writing what clients say.

use super::{ByOwner, Group, Media, Semantics, Source, Sources};
use crate::ns;
use crate::xml::{Builder, Element, Read, el};

/// Reads the sources in the contents of a `<jingle>`, by their `ssrc-info` owner.
pub fn from_contents(jingle: &Element) -> Result<ByOwner, String> {
    let mut by_owner = ByOwner::new();
    for content in jingle.kids("content", ns::JINGLE) {
        let Some(description) = content.kid("description", ns::RTP) else { continue };
        let media = match content.need("name")? {
            "audio" => Media::Audio,
            "video" => Media::Video,
            // Clients find sources by the name of the content (spec/30 §7.3).
            other if description.kid("source", ns::SSMA).is_some() => {
                return Err(format!("sources in content '{other}'"));
            }
            _ => continue,
        };
        read_description(media, description, &mut by_owner)?;
    }
    Ok(by_owner)
}

fn read_description(media: Media, description: &Element, by_owner: &mut ByOwner) -> Result<(), String> {
    for element in description.kids("source", ns::SSMA) {
        let info = element.kid("ssrc-info", ns::JITMEET).ok_or("a source without ssrc-info")?;
        let owner = info.need("owner")?.to_owned();
        by_owner.entry(owner).or_default().sources.push(read_source(media, element)?);
    }
    for element in description.kids("ssrc-group", ns::SSMA) {
        let group = read_group(media, element)?;
        // A group bears no owner: it belongs to whom its sources belong to.
        let owner = by_owner
            .iter()
            .find(|(_, s)| group.ssrcs.iter().any(|ssrc| s.get(*ssrc).is_some()))
            .map(|(owner, _)| owner.clone())
            .ok_or_else(|| format!("a group of sources that are not in the stanza: {:?}", group.ssrcs))?;
        by_owner.entry(owner).or_default().groups.push(group);
    }
    Ok(())
}

fn read_source(media: Media, element: &Element) -> Result<Source, String> {
    let desktop = match element.get("videoType") {
        None | Some("camera") => false,
        Some("desktop") => true,
        Some(other) => return Err(format!("video type '{other}'")),
    };
    let msid = element.kids("parameter", ns::RTP).find(|p| p.get("name") == Some("msid"));
    let msid = msid.map(|parameter| parameter.need("value").map(str::to_owned)).transpose()?;
    Ok(Source { ssrc: read_ssrc(element)?, media, name: element.get("name").map(str::to_owned), msid, desktop })
}

fn read_group(media: Media, element: &Element) -> Result<Group, String> {
    let semantics = match element.need("semantics")? {
        "FID" => Semantics::Fid,
        "SIM" => Semantics::Sim,
        other => return Err(format!("a group of unknown semantics '{other}'")),
    };
    let ssrcs = element.kids("source", ns::SSMA).map(read_ssrc).collect::<Result<_, _>>()?;
    Ok(Group { media, semantics, ssrcs })
}

fn read_ssrc(element: &Element) -> Result<u32, String> {
    let text = element.need("ssrc")?;
    text.parse().ok().filter(|ssrc| *ssrc != 0).ok_or_else(|| format!("no SSRC: '{text}'"))
}

/// The elements of the description of one medium, as clients write them: parameters in the namespace of the sources.
pub fn contents_of(sources: &Sources, media: Media) -> Vec<Builder> {
    let of_media = sources.of(media);
    let mut elements: Vec<Builder> = of_media.sources.iter().map(write_source).collect();
    elements.extend(of_media.groups.iter().map(|group| {
        let members = group.ssrcs.iter().map(|ssrc| el("source", ns::SSMA).attr("ssrc", ssrc));
        el("ssrc-group", ns::SSMA).attr("semantics", group.semantics.name()).children(members)
    }));
    elements
}

fn write_source(source: &Source) -> Builder {
    let video_type = match (source.media, &source.name) {
        (Media::Video, Some(_)) => Some(if source.desktop { "desktop" } else { "camera" }),
        _ => None,
    };
    let parameter = source.msid.as_ref().map(|msid| el("parameter", ns::SSMA).attr("name", "msid").attr("value", msid));
    el("source", ns::SSMA)
        .attr("ssrc", source.ssrc)
        .opt("name", source.name.as_ref())
        .opt("videoType", video_type)
        .children(parameter)
}
