//! The configuration, its example file and the command line agree.

use std::path::{Path, PathBuf};

use clap::Parser;
use stoa_link::Identity;

use super::{Arguments, Certificates, Config, Coordinates};

const EXAMPLE: &str = include_str!("../stoa-origin.example.toml");

#[test]
fn the_example_file_holds_the_defaults_where_it_says_so() {
    let example = example();

    let expected = Config {
        node: Some("origin-1".parse().unwrap()),
        region: Some("local".parse().unwrap()),
        coordinates: Some(Coordinates::new(52.37, 4.9).unwrap()),
        certificates: Certificates {
            authority: Some(PathBuf::from("/etc/stoa/authority.pem")),
            certificate: Some(PathBuf::from("/etc/stoa/origin-1.pem")),
            key: Some(PathBuf::from("/etc/stoa/origin-1.key")),
            ..Certificates::default()
        },
        ..Config::default()
    };
    assert_eq!(example, expected);
    assert_eq!(example.name().unwrap(), Config::default().name().unwrap());
    example.check().unwrap();
}

#[test]
fn the_example_file_names_every_key() {
    // The type lists its keys when it meets one it does not know, section by section.
    let sections = [
        "",
        "[coordinates]\n",
        "[certificates]\n",
        "[limits]\n",
        "[store]\n",
        "[retention]\n",
        "[[webhooks]]\n",
        "[telemetry]\n",
    ];
    for section in sections {
        let text = format!("{section}no_such_key = 1\n");
        let refused = stoa_runtime::configuration::parse::<Config>(&text, Path::new("x.toml"));
        let message = refused.unwrap_err().to_string();
        let listed = message.split("expected one of").nth(1).or(message.split("expected").nth(1));
        let keys: Vec<&str> =
            listed.unwrap().lines().next().unwrap().split('`').skip(1).step_by(2).collect();
        assert!(keys.len() >= 2, "{message}");
        for key in keys {
            // What is absent by default may stand behind `# `.
            let is_key = |line: &str| {
                let line = line.strip_prefix("# ").unwrap_or(line);
                let table = line.trim_start_matches('[').trim_end_matches(']');
                line.starts_with(&format!("{key} =")) || line.starts_with('[') && table == key
            };
            assert!(EXAMPLE.lines().any(is_key), "{key} is missing in the example");
        }
    }
}

#[test]
fn the_command_line_overrules_the_file() {
    let arguments = Arguments::parse_from([
        "stoa-origin",
        "--node=o2",
        "--region=sin",
        "--mesh=127.0.0.1:0",
        "--metrics=127.0.0.1:1",
        "--certificates=/tmp/ca",
    ]);

    let config = Config::load(arguments).unwrap();

    assert_eq!(config.name().unwrap().node.as_str(), "o2");
    assert_eq!(config.name().unwrap().region.as_str(), "sin");
    assert_eq!(config.mesh, "127.0.0.1:0".parse().unwrap());
    assert_eq!(config.metrics, "127.0.0.1:1".parse().unwrap());
    let directory = PathBuf::from("/tmp/ca");
    assert_eq!(config.endpoint().unwrap().identity, Identity::Development { directory });
}

#[test]
fn half_given_certificates_are_refused_with_the_missing_key() {
    let mut config = example();
    config.certificates.key = None;

    let message = config.check().unwrap_err().to_string();

    assert!(message.starts_with("certificates.key is missing"), "{message}");
}

#[test]
fn a_limit_above_its_maximum_is_refused() {
    let mut config = Config::default();
    config.limits.stage = 101;

    let message = config.check().unwrap_err().to_string();

    assert_eq!(message, "limits.stage is 101; it may be 1 to 100");
}

fn example() -> Config {
    stoa_runtime::configuration::parse(EXAMPLE, Path::new("stoa-origin.example.toml")).unwrap()
}

#[test]
fn the_webhook_of_the_example_is_a_valid_one() {
    let commented = EXAMPLE.lines().skip_while(|line| *line != "# [[webhooks]]");
    let webhook: Vec<&str> = commented.map_while(|line| line.strip_prefix("# ")).collect();
    let text = webhook
        .join("\n")
        .replace("{ file = \"/run/secrets/stoa-webhook\" }", "\"0123456789abcdef01234567\"");
    let config: Config = stoa_runtime::configuration::parse(&text, Path::new("x.toml")).unwrap();
    config.check().unwrap();
    assert_eq!(config.webhooks.len(), 1, "{text}");
}
