//! Keys of several tenants, and keys whose time ends.

use jsonwebtoken::Header;
use serde_json::json;

use super::super::error::{KeyError, TokenError};
use super::super::{KEYS_TRIED_MAX, Key, Keys, SigningKey};
use super::{HS256, NOW, OTHER_SECRET, SECRET, claims, room, said, sign};
use crate::tenant::TenantId;

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

fn key(id: &str, of: &str, secret: &[u8]) -> Key {
    Key::hs256(id, secret).unwrap().of(tenant(of))
}

fn two_tenants() -> Keys {
    Keys::from_keys([key("a", "acme", SECRET), key("g", "globex", OTHER_SECRET)]).unwrap()
}

fn signed(id: Option<&str>, secret: &[u8]) -> String {
    SigningKey::hs256(id.map(str::to_owned), secret).unwrap().sign(&claims()).unwrap()
}

#[test]
fn the_key_says_whose_token_it_is_whatever_the_token_says() {
    let bearer = two_tenants().verify(&signed(Some("g"), OTHER_SECRET), None, NOW).unwrap();
    assert_eq!((bearer.tenant, bearer.key.as_str()), (tenant("globex"), "g"));
    let mut body = json!(claims());
    body["tenant"] = json!("acme");
    let mut header = Header::new(HS256);
    header.kid = Some("g".into());
    let token = sign(&header, &body, OTHER_SECRET);
    assert_eq!(two_tenants().verify(&token, None, NOW).unwrap().tenant, tenant("globex"));
}

#[test]
fn a_tenant_cannot_sign_under_the_id_of_anothers_key() {
    let forged = signed(Some("a"), OTHER_SECRET);
    assert_eq!(said(&two_tenants(), &forged, None), Err(TokenError::Signature));
}

#[test]
fn with_several_tenants_a_token_must_name_its_key() {
    assert_eq!(said(&two_tenants(), &signed(None, SECRET), None), Err(TokenError::NoKey));
    let one = Keys::from_keys([key("a", "acme", SECRET)]).unwrap();
    assert_eq!(one.verify(&signed(None, SECRET), None, NOW).unwrap().tenant, tenant("acme"));
}

#[test]
fn one_secret_under_two_ids_is_refused() {
    let keys = [key("a", "acme", SECRET), key("g", "globex", SECRET)];
    let same = KeyError::Same { first: "a".into(), second: "g".into() };
    assert_eq!(Keys::from_keys(keys).unwrap_err(), same);
}

#[test]
fn one_id_of_two_tenants_is_refused() {
    let keys = [key("k", "acme", SECRET), key("k", "globex", OTHER_SECRET)];
    assert_eq!(Keys::from_keys(keys).unwrap_err(), KeyError::Twice { id: "k".into() });
}

#[test]
fn each_tenant_has_room_for_as_many_keys() {
    let key = |of: &str, at: usize| {
        let secret = format!("{of} {at:>40}");
        key(&format!("{of}-{at}"), of, secret.as_bytes())
    };
    let full = |of: &'static str| (0..KEYS_TRIED_MAX).map(move |at| key(of, at));
    assert!(Keys::from_keys(full("acme").chain(full("globex"))).is_ok());
    let one_more = full("acme").chain([key("acme", KEYS_TRIED_MAX)]);
    assert_eq!(Keys::from_keys(one_more).unwrap_err(), KeyError::TooMany { count: 17 });
}

#[test]
fn a_key_is_valid_until_its_end_and_not_a_second_longer() {
    let until = |end| Keys::from_keys([key("a", "acme", SECRET).until(end)]).unwrap();
    for id in [Some("a"), None] {
        let token = signed(id, SECRET);
        assert!(said(&until(NOW), &token, None).is_ok());
        assert_eq!(said(&until(NOW - 1), &token, None), Err(TokenError::OldKey));
    }
}

#[test]
fn a_key_whose_time_is_over_signs_nothing_any_more() {
    let old = || key("a", "acme", SECRET).until(NOW - 11);
    let keys = Keys::from_keys([old(), key("b", "acme", OTHER_SECRET)]).unwrap();
    let token = keys.mint(&claims()).unwrap();
    assert_eq!(keys.verify(&token, None, NOW).unwrap().key, "b");
    let alone = Keys::from_keys([old()]).unwrap();
    assert_eq!(alone.mint(&claims()), Err(KeyError::CannotSign));
}

#[test]
fn an_old_key_says_nothing_to_who_cannot_sign_with_it() {
    let keys = Keys::from_keys([key("a", "acme", SECRET).until(NOW - 1)]).unwrap();
    assert_eq!(said(&keys, &signed(Some("a"), OTHER_SECRET), None), Err(TokenError::Signature));
}

#[test]
fn the_trace_of_a_token_names_the_room_that_it_was_used_in() {
    let bearer = two_tenants().verify(&signed(Some("a"), SECRET), None, NOW).unwrap();
    assert_eq!(bearer.trace(Some(&room("forum"))).room, Some(room("agora")));
    let mut anywhere = bearer.clone();
    anywhere.claims.room = None;
    assert_eq!(anywhere.trace(Some(&room("forum"))).room, Some(room("forum")));
    assert_eq!(anywhere.trace(None).room, None);
    let trace = anywhere.trace(None);
    assert_eq!((trace.identity.as_str(), trace.jti.as_str()), ("socrates", "t-1"));
    assert_eq!(
        (trace.tenant, trace.key.as_str(), trace.issued_unix_s),
        (tenant("acme"), "a", NOW - 10)
    );
}
