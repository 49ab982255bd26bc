//! A `conference-modify` as the bridge parses it (spec/40 §2): what is missing or wrong here closes the real one's stream.

use crate::ns;
use crate::sources::{Group, Media, Semantics, Source, Sources};
use crate::xml::{Element, Read};

#[derive(Debug, Clone)]
pub struct Modify {
    pub meeting_id: String,
    pub name: Option<String>,
    pub create: bool,
    pub expire: bool,
    pub endpoints: Vec<EndpointModify>,
    pub relays: Vec<RelayModify>,
    pub connects: Vec<ConnectModify>,
}

#[derive(Debug, Clone)]
pub struct EndpointModify {
    pub id: String,
    pub create: bool,
    pub expire: bool,
    pub stats_id: Option<String>,
    pub visitor: bool,
    /// The `<media>` elements as they came.
    pub media: Vec<Element>,
    pub transport: Option<TransportModify>,
    pub sources: Option<Sources>,
    /// Audio, video.
    pub force_mute: Option<(bool, bool)>,
    pub capabilities: Vec<String>,
    pub last_n: Option<i32>,
}

#[derive(Debug, Clone)]
pub struct RelayModify {
    pub id: String,
    pub create: bool,
    pub expire: bool,
    pub mesh_id: Option<String>,
    /// Which kinds of media it describes.
    pub media: Vec<String>,
    pub transport: Option<TransportModify>,
    pub endpoints: Vec<EndpointModify>,
}

#[derive(Debug, Clone)]
pub struct TransportModify {
    pub ice_controlling: bool,
    pub use_unique_port: bool,
    pub ice_restart: bool,
    pub ice: Option<Element>,
    pub sctp: Option<Sctp>,
}

#[derive(Debug, Clone)]
pub struct Sctp {
    pub client: bool,
    pub port: Option<u16>,
}

#[derive(Debug, Clone)]
pub struct ConnectModify {
    pub id: String,
    pub create: bool,
    pub expire: bool,
    pub url: String,
    pub kind: String,
    pub video: bool,
    pub exports: Vec<String>,
    pub requests: Vec<String>,
}

impl Modify {
    pub fn read(element: &Element) -> Result<Modify, String> {
        let connects = element.kid("connects", ns::COLIBRI2);
        let connects = connects.into_iter().flat_map(|c| c.kids("connect", ns::COLIBRI2)).map(read_connect);
        Ok(Modify {
            meeting_id: id_of(element, "meeting-id")?,
            name: element.get("name").map(str::to_owned),
            create: flag(element, "create"),
            expire: flag(element, "expire"),
            endpoints: read_endpoints(element)?,
            relays: element.kids("relay", ns::COLIBRI2).map(read_relay).collect::<Result<_, _>>()?,
            connects: connects.collect::<Result<_, _>>()?,
        })
    }
}

impl EndpointModify {
    /// Whether it asks for more than mute flags, last-n or expiry (spec/40 §3.2).
    pub fn touches_media(&self) -> bool {
        self.create || !self.media.is_empty() || self.transport.is_some() || self.sources.is_some()
    }
}

fn read_endpoints(parent: &Element) -> Result<Vec<EndpointModify>, String> {
    parent.kids("endpoint", ns::COLIBRI2).map(read_endpoint).collect()
}

fn read_endpoint(element: &Element) -> Result<EndpointModify, String> {
    let media: Vec<Element> = element.kids("media", ns::COLIBRI2).cloned().collect();
    for description in &media {
        check_media(description)?;
    }
    let visitor = match element.get("muc-role") {
        Some("visitor") => true,
        None | Some("moderator" | "participant" | "none") => false,
        Some(other) => return Err(format!("muc-role '{other}'")),
    };
    let capabilities = element.kids("capability", ns::COLIBRI2).map(|c| c.need("name").map(str::to_owned));
    let last_n = element.kid("initial-last-n", ns::COLIBRI2).map(|n| number::<i32>(n, "value")).transpose()?;
    let force_mute = element.kid("force-mute", ns::COLIBRI2).map(|m| (flag(m, "audio"), flag(m, "video")));
    Ok(EndpointModify {
        id: id_of(element, "id")?,
        create: flag(element, "create"),
        expire: flag(element, "expire"),
        stats_id: element.get("stats-id").map(str::to_owned),
        visitor,
        media,
        transport: element.kid("transport", ns::COLIBRI2).map(read_transport).transpose()?,
        sources: element.kid("sources", ns::COLIBRI2).map(read_sources).transpose()?,
        force_mute,
        capabilities: capabilities.collect::<Result<_, _>>()?,
        last_n,
    })
}

fn read_relay(element: &Element) -> Result<RelayModify, String> {
    let mut media = Vec::new();
    for description in element.kids("media", ns::COLIBRI2) {
        check_media(description)?;
        media.push(description.need("type")?.to_owned());
    }
    let endpoints = element.kid("endpoints", ns::COLIBRI2).map(read_endpoints).transpose()?;
    Ok(RelayModify {
        id: id_of(element, "id")?,
        create: flag(element, "create"),
        expire: flag(element, "expire"),
        mesh_id: element.get("mesh-id").map(str::to_owned),
        media,
        transport: element.kid("transport", ns::COLIBRI2).map(read_transport).transpose()?,
        endpoints: endpoints.unwrap_or_default(),
    })
}

fn check_media(element: &Element) -> Result<(), String> {
    match element.need("type")? {
        "audio" | "video" => {}
        other => return Err(format!("media of type '{other}'")),
    }
    for payload_type in element.kids("payload-type", ns::RTP) {
        number::<u8>(payload_type, "id")?;
        payload_type.need("name")?;
        number::<u32>(payload_type, "clockrate")?;
    }
    for extension in element.kids("rtp-hdrext", ns::HDREXT) {
        number::<u8>(extension, "id")?;
        extension.need("uri")?;
    }
    Ok(())
}

fn read_transport(element: &Element) -> Result<TransportModify, String> {
    let sctp = element.kid("sctp", ns::COLIBRI2).map(|sctp| {
        let client = match sctp.get("role") {
            None | Some("server") => false,
            Some("client") => true,
            Some(other) => return Err(format!("sctp role '{other}'")),
        };
        let port = sctp.get("port").map(|_| number::<u16>(sctp, "port")).transpose()?;
        Ok(Sctp { client, port })
    });
    let ice = element.kid("transport", ns::ICE).cloned();
    if let Some(generation) = ice.as_ref().filter(|ice| ice.get("ice-generation").is_some()) {
        number::<u64>(generation, "ice-generation")?;
    }
    Ok(TransportModify {
        ice_controlling: flag(element, "ice-controlling"),
        use_unique_port: flag(element, "use-unique-port"),
        ice_restart: flag(element, "ice-restart"),
        ice,
        sctp: sctp.transpose()?,
    })
}

fn read_sources(element: &Element) -> Result<Sources, String> {
    let mut sources = Sources::default();
    for media_source in element.kids("media-source", ns::COLIBRI2) {
        let name = id_of(media_source, "id")?;
        let media = match media_source.need("type")? {
            "audio" => Media::Audio,
            "video" => Media::Video,
            other => return Err(format!("media-source of type '{other}'")),
        };
        for source in media_source.kids("source", ns::SSMA) {
            let desktop = match source.get("videoType") {
                None | Some("camera") => false,
                Some("desktop") => true,
                Some(other) => return Err(format!("video type '{other}'")),
            };
            let ssrc = number::<u32>(source, "ssrc")?;
            sources.sources.push(Source { ssrc, media, name: Some(name.clone()), msid: None, desktop });
        }
        for group in media_source.kids("ssrc-group", ns::SSMA) {
            let semantics = match group.need("semantics")? {
                "FID" => Semantics::Fid,
                "SIM" => Semantics::Sim,
                other => return Err(format!("ssrc-group '{other}'")),
            };
            let ssrcs = group.kids("source", ns::SSMA).map(|source| number(source, "ssrc"));
            sources.groups.push(Group { media, semantics, ssrcs: ssrcs.collect::<Result<_, _>>()? });
        }
    }
    Ok(sources)
}

fn read_connect(element: &Element) -> Result<ConnectModify, String> {
    let url = element.need("url")?.to_owned();
    if !url.starts_with("ws://") && !url.starts_with("wss://") {
        return Err(format!("connect to '{url}'"));
    }
    for header in element.kids("http-header", ns::COLIBRI2) {
        let name = header.need("name")?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(format!("http-header '{name}'"));
        }
        header.need("value")?;
    }
    if let Some(ping) = element.kid("ping", ns::COLIBRI2) {
        number::<i32>(ping, "interval")?;
        number::<i32>(ping, "timeout")?;
    }
    if element.need("protocol")? != "mediajson" {
        return Err(format!("connect protocol {:?}", element.get("protocol")));
    }
    let kind = element.need("type")?.to_owned();
    if !["transcriber", "translator", "recorder"].contains(&kind.as_str()) {
        return Err(format!("connect type '{kind}'"));
    }
    let names = |list: &str, item: &str| -> Result<Vec<String>, String> {
        let Some(list) = element.kid(list, ns::COLIBRI2) else { return Ok(Vec::new()) };
        list.kids(item, ns::COLIBRI2).map(|i| i.need("name").map(str::to_owned)).collect()
    };
    Ok(ConnectModify {
        id: id_of(element, "id")?,
        create: flag(element, "create"),
        expire: flag(element, "expire"),
        url,
        kind,
        video: flag(element, "video"),
        exports: names("exports", "export")?,
        requests: names("requests", "request")?,
    })
}

fn id_of(element: &Element, attribute: &str) -> Result<String, String> {
    let id = element.need(attribute)?;
    if id.trim().is_empty() {
        return Err(format!("<{}> with blank '{attribute}'", element.name()));
    }
    Ok(id.to_owned())
}

/// Only `true`, in any case, is true (spec/40 §2).
fn flag(element: &Element, attribute: &str) -> bool {
    element.get(attribute).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

fn number<N: std::str::FromStr>(element: &Element, attribute: &str) -> Result<N, String> {
    let text = element.need(attribute)?;
    text.parse().map_err(|_| format!("<{}> with {attribute}='{text}'", element.name()))
}
