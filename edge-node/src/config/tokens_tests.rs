//! What an operator may write about tenants and their keys.

use std::path::Path;

use stoa_protocol::ids::Role;
use stoa_protocol::token::{Claims, Grants, SigningKey, TokenError};
use stoa_runtime::configuration;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";
const NOW: u64 = 1_700_000_000;
/// Of RFC 8037, appendix A.2.
const JWK: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn parse(text: &str) -> anyhow::Result<Config> {
    let config: Config = configuration::parse(text, Path::new("stoa-edge.toml"))?;
    config.check()?;
    Ok(config)
}

fn refused(text: &str) -> String {
    format!("{:#}", parse(text).unwrap_err())
}

fn secret(table: &str, id: &str, secret: &str) -> String {
    format!("[[{table}.secrets]]\nid = \"{id}\"\nsecret = \"{secret}\"\n")
}

fn tenant(id: &str, keys: &str) -> String {
    format!("[[tenants]]\nid = \"{id}\"\n{keys}")
}

fn token(id: &str, secret: &str) -> String {
    let key = SigningKey::hs256(Some(id.to_owned()), secret.as_bytes()).unwrap();
    let claims = Claims {
        room: None,
        sub: "ada".into(),
        name: String::new(),
        role: Role::Listener,
        grants: Grants::default(),
        iat: NOW,
        nbf: None,
        exp: NOW + 60,
        jti: String::new(),
    };
    key.sign(&claims).unwrap()
}

#[test]
fn tokens_are_of_the_tenant_whose_key_signed_them() {
    let text = secret("tokens", "d", SECRET) + &tenant("acme", &secret("tenants", "a", OTHER));
    let keys = parse(&text).unwrap().keys([7; 32]).unwrap();
    let tenant = |token: &str| keys.verify(token, None, NOW).unwrap().tenant.to_string();
    assert_eq!(tenant(&token("d", SECRET)), "default");
    assert_eq!(tenant(&token("a", OTHER)), "acme");
}

#[test]
fn a_node_with_tenants_hands_out_nothing_by_itself() {
    let text = tenant("acme", &secret("tenants", "a", SECRET));
    assert!(!parse(&text).unwrap().signaling().open);
    let keys = format!("[[tokens.keys]]\nid = \"e\"\npublic_key = '{JWK}'\n");
    assert!(!parse(&keys).unwrap().signaling().open);
}

#[test]
fn public_keys_are_read_from_files_and_cannot_mint_for_an_open_node() {
    let folder = std::env::temp_dir().join(format!("stoa-tokens-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("key.jwk");
    std::fs::write(&file, JWK).unwrap();
    let key = format!("[[tokens.keys]]\nid = \"e\"\npublic_key = {{ file = {file:?} }}\n");
    let config = parse(&key).unwrap();
    assert!(!config.keys([7; 32]).unwrap().can_sign());
    config.authority([7; 32]).unwrap();
    let open = parse(&format!("{key}[http]\nopen = true\n")).unwrap();
    let error = open.authority([7; 32]).unwrap_err().to_string();
    assert!(error.contains("http.open"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_key_ends_when_the_file_says_so() {
    let text = secret("tokens", "d", SECRET) + "not_after = \"2023-11-14T22:13:19Z\"\n";
    let keys = parse(&text).unwrap().keys([7; 32]).unwrap();
    assert_eq!(keys.verify(&token("d", SECRET), None, NOW), Err(TokenError::OldKey));
    assert!(keys.verify(&token("d", SECRET), None, NOW - 1).is_ok());
}

#[test]
fn mistakes_are_refused_with_what_to_do_and_without_the_secret() {
    let acme = tenant("acme", &secret("tenants", "a", SECRET));
    let twice = format!("{acme}{}", tenant("acme", &secret("tenants", "b", OTHER)));
    let same = secret("tokens", "d", SECRET) + &acme;
    let default = tenant("default", &secret("tenants", "a", SECRET));
    let moment = secret("tokens", "d", SECRET) + "not_after = \"next week\"\n";
    let quota = format!("{acme}[tenants.quotas]\nroom = 3\n");
    let cases = [
        (tenant("acme", ""), "has no key"),
        (tenant("a b", ""), "a tenant's id may hold"),
        (twice, "acme is given twice"),
        (same, "are the same key"),
        (default, "stand in [tokens]"),
        (moment, "2026-12-31T23:59:59Z"),
        (quota, "unknown field `room`"),
        (tenant("acme", &secret("tenants", "a", "short")), "at least 32"),
        ("[[tokens.keys]]\nid = \"e\"\npublic_key = \"hunter2\"\n".into(), "Ed25519 public key"),
    ];
    for (text, says) in cases {
        let error = refused(&text);
        assert!(error.contains(says), "{text}: {error}");
        assert!(!error.contains(SECRET) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn quotas_stand_with_their_tenant() {
    let quotas = "[tenants.quotas]\nrooms = 3\njoins_per_minute_per_address = 20\n";
    let text = tenant("acme", &secret("tenants", "a", SECRET)) + quotas;
    let config = parse(&text).unwrap();
    assert_eq!(config.tenants[0].quotas.rooms, Some(3));
    assert_eq!(config.tenants[0].quotas.joins_per_minute_per_address, Some(20));
    assert_eq!(config.tokens.quotas, Quotas::default());
    config.authority([7; 32]).unwrap();
}
