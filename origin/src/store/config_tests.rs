//! What the `[store]` section takes and refuses.

use std::path::Path;

use super::*;

#[test]
fn every_place_can_be_named() {
    let cassandra = r#"
        durable = { kind = "cassandra", contact_points = ["10.0.0.1:9042"], keyspace = "stoa", username = "s", password = "x" }
        hot = { kind = "redis", url = "redis://:secret@10.0.0.2/1", backup_s = 5 }
    "#;
    let config = parse(cassandra).unwrap();

    config.check().unwrap();
    let DurableConfig::Cassandra(cassandra) = &config.durable else { panic!("{config:?}") };
    assert!(cassandra.replication.contains("'replication_factor': 3"));
    let HotConfig::Redis(redis) = &config.hot else { panic!("{config:?}") };
    assert_eq!((redis.backup_s, redis.prefix.as_str()), (5, "stoa"));
    assert!(!format!("{config:?}").contains("secret"), "a password was printed");

    let embedded =
        parse("durable = { kind = \"embedded\", file = \"x\" }\nhot = \"same\"").unwrap();
    assert_eq!(embedded.durable, DurableConfig::Embedded { file: PathBuf::from("x") });
    let memory = parse("durable = { kind = \"memory\" }").unwrap();
    assert_eq!(memory.durable, DurableConfig::Memory);
    assert_eq!(parse("").unwrap(), StoreConfig::default());
}

#[test]
fn a_mistake_is_refused_and_a_misplaced_secret_is_not_repeated() {
    for (text, hint) in [
        ("durable = { kind = \"postgres\" }", "postgres"),
        ("durable = { kind = \"embedded\" }", "file"),
        ("durable = { kind = \"embedded\", file = \"x\", keyspace = \"y\" }", "keyspace"),
        ("hot = { kind = \"redis\" }", "url"),
        ("hot = { kind = \"redis\", url = \"x\", uri = \"y\" }", "uri"),
        ("hot = \"redis://:hunter2@host\"", "\"same\" or"),
    ] {
        let message = parse(text).unwrap_err();
        assert!(message.contains(hint), "{text}: {message}");
    }
}

#[test]
fn values_out_of_range_are_named() {
    let check = |text: &str| parse(text).unwrap().check().unwrap_err();
    let cassandra = |points: &str, keyspace: &str| {
        format!(
            "durable = {{ kind = \"cassandra\", contact_points = {points}, keyspace = \"{keyspace}\" }}"
        )
    };
    assert!(check(&cassandra("[]", "stoa")).contains("contact_points"));
    assert!(check(&cassandra("[\"a\"]", "a; DROP")).contains("keyspace"));
    let backup = check("hot = { kind = \"redis\", url = \"x\", backup_s = 0 }");
    assert_eq!(backup, "store.hot.backup_s is 0; it may be 1 to 3600");
}

fn parse(text: &str) -> Result<StoreConfig, String> {
    stoa_runtime::configuration::parse(text, Path::new("x.toml")).map_err(|error| error.to_string())
}
