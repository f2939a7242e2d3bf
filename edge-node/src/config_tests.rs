//! What an operator may write, and what the command line overrules.

use std::path::Path;

use super::*;

fn load(arguments: &[&str]) -> anyhow::Result<Config> {
    let arguments = std::iter::once("stoa-edge").chain(arguments.iter().copied());
    Config::load(Arguments::try_parse_from(arguments)?)
}

fn parse(text: &str) -> anyhow::Result<Config> {
    let config: Config = configuration::parse(text, Path::new("stoa-edge.toml"))?;
    config.check()?;
    Ok(config)
}

#[test]
fn without_anything_the_node_stands_alone_and_hands_out_tokens() {
    let config = load(&[]).unwrap();
    assert!(config.is_standalone());
    assert!(config.signaling().open);
    assert_eq!(config.http.listen.port(), 8080);
    config.keys([7; 32]).unwrap();
}

#[test]
fn the_example_file_holds_every_section_and_parses() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("stoa-edge.example.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let config = parse(&text).unwrap();
    assert_eq!(config.node.id.unwrap().as_str(), "edge-ams-1");
    for section in
        ["node", "http", "media", "mesh", "mesh.certificates", "limits", "drain", "telemetry"]
    {
        assert!(text.contains(&format!("\n[{section}]\n")), "{section}");
    }
}

#[test]
fn the_express_path_is_for_those_who_ask_for_it() {
    assert_eq!(load(&[]).unwrap().media.express_interface, None);
    let config = parse("[media]\nexpress_interface = \"eth0\"\n").unwrap();
    assert_eq!(config.media.express_interface.as_deref(), Some("eth0"));
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let error = parse("[mesh]\norigin = []\n").unwrap_err().to_string();
    assert!(error.contains("stoa-edge.toml:2:1"), "{error}");
}

#[test]
fn the_command_line_overrules_the_file() {
    let config = load(&[
        "--http=127.0.0.1:9000",
        "--media=127.0.0.1:9001",
        "--origin=a.example:7443",
        "--advertise=192.0.2.1",
        "--node=edge-sin-1",
        "--region=sin",
        "--tls=self-signed",
        "--certificates=/tmp/mesh",
    ])
    .unwrap();
    assert_eq!(config.http.listen, "127.0.0.1:9000".parse().unwrap());
    assert_eq!(config.media.listen, "127.0.0.1:9001".parse().unwrap());
    assert_eq!(config.mesh.origins, ["a.example:7443"]);
    assert_eq!(config.media.advertise, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
    assert_eq!(config.http.tls, Tls::SelfSigned);
    let name = config.name().unwrap();
    assert_eq!((name.node.as_str(), name.region.as_str()), ("edge-sin-1", "sin"));
    let directory = PathBuf::from("/tmp/mesh");
    assert_eq!(config.mesh.certificates.identity().unwrap(), Identity::Development { directory });
}

#[test]
fn certificate_files_on_the_command_line_mean_https() {
    let files = ["--tls-certificate=a.pem", "--tls-key=b.pem"];
    let config = load(&files).unwrap();
    assert_eq!(config.http.tls, Tls::Files { certificate: "a.pem".into(), key: "b.pem".into() });
    assert!(load(&["--tls=files"]).is_err());
    assert!(load(&["--tls=off", files[0], files[1]]).is_err());
    assert!(load(&files[..1]).is_err());
}

#[test]
fn an_edge_of_a_larger_network_needs_a_secret() {
    let alone = "[mesh]\norigins = [\"a:1\"]\n";
    let config = parse(alone).unwrap();
    assert!(!config.signaling().open);
    let error = config.keys([7; 32]).unwrap_err().to_string();
    assert!(error.contains("STOA_TOKEN_SECRET"), "{error}");
    let secret = "[[tokens.secrets]]\nid = \"a\"\nsecret = \"0123456789abcdef0123456789abcdef\"\n";
    let config = parse(&format!("{alone}{secret}")).unwrap();
    config.keys([7; 32]).unwrap();
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
}

#[test]
fn an_edge_is_told_of_as_many_origins_as_a_network_has_and_no_more() {
    let origins: Vec<String> = (0..=ORIGINS_MAX).map(|n| format!("--origin=o{n}:7443")).collect();
    let origins: Vec<&str> = origins.iter().map(String::as_str).collect();
    let error = load(&origins).unwrap_err().to_string();
    assert!(error.contains("mesh.origins") && error.contains("33 origins"), "{error}");
    assert_eq!(load(&origins[..ORIGINS_MAX]).unwrap().mesh.origins.len(), ORIGINS_MAX);
}

#[test]
fn a_node_with_a_secret_hands_out_nothing_by_itself() {
    let text = "[[tokens.secrets]]\nid = \"a\"\nsecret = \"0123456789abcdef0123456789abcdef\"\n";
    assert!(!parse(text).unwrap().signaling().open);
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    let cases = [
        ("[limits]\nparticipants = 0\n", "limits.participants"),
        ("[limits]\nrooms = 100001\n", "limits.rooms"),
        ("[node]\nlatitude = 52.3\n", "node.latitude"),
        ("[node]\nlatitude = 152.3\nlongitude = 4.9\n", "node.latitude"),
        ("[drain]\ndeadline_s = 4000\n", "drain.deadline_s"),
        ("[mesh.certificates]\nkey = \"k.pem\"\n", "mesh.certificates"),
    ];
    for (text, key) in cases {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(key), "{text}: {error}");
    }
}
