#![deny(warnings)]

use eventmodel::{Command, Event, Projection, Stream, projection};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "item.{type}.{where}")]
struct Item {
    r#type: String,
    r#where: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Item, key(where = self.r#in))]
struct ItemFound {
    r#type: String,
    r#in: u32,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Found;

#[projection(key(r#type: String, r#where: u32))]
impl Found {
    #[key(where = r#move.r#in)]
    fn r#match(&mut self, r#move: &ItemFound) {
        let _ = r#move;
    }
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Last;

#[projection(key = Item)]
impl Last {
    fn r#match(&mut self, _: &ItemFound) {}
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Last, emits(ItemFound), id = "{type}/{where}")]
struct r#Use {
    r#type: String,
    r#where: u32,
}

#[test]
fn it_is_accepted_and_works() {
    let item = Item {
        r#type: String::from("a.b"),
        r#where: 1,
    };
    let subject = item.subject().unwrap();
    assert_eq!(subject.as_str(), "item.a%2Eb.1");
    assert_eq!(Item::from_subject(&subject).unwrap(), item);
    assert_eq!(Item::INFO.ty.fields[0].name, "type");
    let found = ItemFound {
        r#type: String::from("a.b"),
        r#in: 1,
    };
    assert_eq!(*found.subjects().unwrap(), [subject]);
    assert_eq!(Found::INFO.key, ["type", "where"]);
    assert_eq!(Found::INFO.handlers[0].name, "match");
    assert_eq!(Use::INFO.ty.name, "Use");
    assert_eq!(
        Use {
            r#type: "a".into(),
            r#where: 2
        }
        .id()
        .unwrap(),
        "use:a/2"
    );
}
