//! The body of a conference request over HTTP: any text is read as one or refused, and what is read can be written as XML.

#![no_main]

use jicofo::focus::request::json;
use jicofo::wire::focus_iq::Conference;
use jicofo::wire::stanza::{IqBody, Payload};
use jicofo::wire::xml;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (header, body) = text.split_once('\n').unwrap_or(("", &text));
    match json::read(body, Some(header)) {
        Ok(request) => {
            let written = xml::to_string(&request);
            assert!(xml::read_str::<Conference>(&written).is_ok(), "{written}");
            assert_eq!(json::reply(&IqBody::Result(Some(Payload::Conference(request)))).status, 200);
        }
        Err(why) => assert_eq!(json::bad_request(&why).status, 400),
    }
});
