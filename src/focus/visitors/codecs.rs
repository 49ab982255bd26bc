//! Which video codecs all visitors can decode (spec/30 §5, spec/60 §6.10).

/// What each visitor lists is read so far; clients know five.
const MAX_LISTED: usize = 16;
const MAX_NAME: usize = 16;

/// So many names are counted. Real ones are far fewer; a codec that is not counted is none that all have.
const MAX_NAMES: usize = 64;

/// The codecs that a visitor lists in its presence, most wanted first. None: it lists none.
pub fn listed(list: Option<&str>, single: Option<&str>) -> Option<Vec<Box<str>>> {
    let text = list.or(single).filter(|text| !text.trim().is_empty())?;
    let mut codecs: Vec<Box<str>> = Vec::new();
    let names = text.split(',').map(|name| name.trim().to_ascii_lowercase());
    for name in names.filter(|name| !name.is_empty() && name.len() <= MAX_NAME).take(MAX_LISTED) {
        if !codecs.iter().any(|known| **known == *name) {
            codecs.push(name.into());
        }
    }
    // Every client has it, and old ones do not say so.
    if !codecs.iter().any(|known| &**known == "vp8") {
        codecs.push("vp8".into());
    }
    Some(codecs)
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tallied {
    name: Box<str>,
    /// In how many lists it is, and the sum of its places there.
    lists: u64,
    places: u64,
}

/// What all visitors with a list have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    lists: u64,
    /// In the order of their first appearance.
    codecs: Vec<Tallied>,
}

impl Tally {
    pub fn add(&mut self, list: &[Box<str>]) {
        self.lists += 1;
        let mut names = self.codecs.len();
        for (place, name) in list.iter().enumerate() {
            let place = place as u64;
            match self.codecs.iter_mut().find(|codec| codec.name == *name) {
                Some(codec) => {
                    codec.lists += 1;
                    codec.places += place;
                }
                None if names < MAX_NAMES => {
                    names += 1;
                    self.codecs.push(Tallied { name: name.clone(), lists: 1, places: place });
                }
                None => {}
            }
        }
    }

    /// A visitor with that list, which was added, is gone.
    pub fn remove(&mut self, list: &[Box<str>]) {
        self.lists = self.lists.saturating_sub(1);
        for (place, name) in list.iter().enumerate() {
            if let Some(codec) = self.codecs.iter_mut().find(|codec| codec.name == *name) {
                codec.lists = codec.lists.saturating_sub(1);
                codec.places = codec.places.saturating_sub(place as u64);
            }
        }
        self.codecs.retain(|codec| codec.lists > 0);
    }

    /// How many lists there are, and of each codec in how many it is and the sum of its places there.
    pub fn shown(&self) -> (u64, impl Iterator<Item = (&str, u64, u64)>) {
        (self.lists, self.codecs.iter().map(|codec| (&*codec.name, codec.lists, codec.places)))
    }

    /// Those that are in every list, most wanted first; nothing where there is no list.
    pub fn common(&self) -> String {
        let mut common: Vec<&Tallied> = self.codecs.iter().filter(|codec| codec.lists == self.lists).collect();
        // Stable: what is equally wanted stays in the order of first appearance.
        common.sort_by_key(|codec| codec.places);
        let names: Vec<&str> = common.iter().map(|codec| &*codec.name).collect();
        names.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<Box<str>> {
        listed(Some(text), None).unwrap()
    }

    fn names(list: &[Box<str>]) -> String {
        list.join(",")
    }

    #[test]
    fn a_list_is_read_as_clients_old_and_new_write_it() {
        assert_eq!(names(&list(" VP9, ,vp9,H264")), "vp9,h264,vp8");
        assert_eq!(listed(None, Some("vp8")).as_deref().map(names).as_deref(), Some("vp8"));
        assert_eq!(listed(None, Some("VP9")).as_deref().map(names).as_deref(), Some("vp9,vp8"));
        assert_eq!(listed(Some("av1"), Some("vp9")).as_deref().map(names).as_deref(), Some("av1,vp8"));
        assert_eq!((listed(None, None), listed(Some(" "), None)), (None, None));
        let long = (0..1000).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(list(&long).len(), MAX_LISTED + 1);
    }

    #[test]
    fn what_all_have_is_in_common_in_the_order_that_they_want() {
        let mut tally = Tally::default();
        let lists = ["vp9,vp8,h264", "vp8,h264", "vp9,vp8"].map(list);
        for list in &lists {
            tally.add(list);
        }
        assert_eq!(tally.common(), "vp8");
        tally.remove(&lists[1]);
        assert_eq!(tally.common(), "vp9,vp8");
        tally.remove(&lists[0]);
        tally.remove(&lists[2]);
        assert_eq!((tally.common().as_str(), tally), ("", Tally::default()));
    }

    #[test]
    fn places_decide_and_first_appearance_where_they_are_equal() {
        let mut tally = Tally::default();
        tally.add(&list("av1,vp9,vp8"));
        tally.add(&list("vp9,av1,vp8"));
        assert_eq!(tally.common(), "av1,vp9,vp8");
        tally.add(&list("vp9,vp8,av1"));
        assert_eq!(tally.common(), "vp9,av1,vp8");
    }
}
