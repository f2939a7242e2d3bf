//! Every way in which a token can be wrong, some of them built by hand.

use jsonwebtoken::{Algorithm, Header};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::error::{KeyError, TokenError};
use super::super::{Claims, Grant, Keys, LEEWAY_S, TOKEN_BYTES_MAX};
use super::{HS256, NOW, OTHER_SECRET, SECRET, base64url, claims, keys, room, said, sign};
use crate::ids::Role;

#[test]
fn a_minted_token_says_what_was_claimed() {
    let token = keys().mint(&claims()).unwrap();
    assert_eq!(said(&keys(), &token, Some(&room("agora"))), Ok(claims()));
    assert_eq!(said(&keys(), &token, None), Ok(claims()));
}

#[test]
fn a_token_without_a_room_holds_for_every_room() {
    let claims = Claims { room: None, ..claims() };
    let token = keys().mint(&claims).unwrap();
    assert_eq!(said(&keys(), &token, Some(&room("any"))), Ok(claims));
}

#[test]
fn a_token_for_another_room_is_forbidden() {
    let token = keys().mint(&claims()).unwrap();
    let error = keys().verify(&token, Some(&room("forum")), NOW).unwrap_err();
    assert!(error.is_forbidden());
    assert_eq!(error.to_string(), "the access token is for room agora, not for room forum");
}

#[test]
fn an_expired_token_is_refused_after_five_seconds_of_leeway() {
    let token = keys().mint(&claims()).unwrap();
    let exp = claims().exp;
    assert!(keys().verify(&token, None, exp + LEEWAY_S - 1).is_ok());
    let error = keys().verify(&token, None, exp + LEEWAY_S).unwrap_err();
    assert_eq!(error, TokenError::Expired { seconds: 5 });
    assert!(!error.is_forbidden());
}

#[test]
fn a_token_of_the_future_is_refused() {
    let token = keys().mint(&Claims { nbf: Some(NOW + 60), ..claims() }).unwrap();
    assert_eq!(keys().verify(&token, None, NOW), Err(TokenError::Early { seconds: 60 }));
    assert!(keys().verify(&token, None, NOW + 60 - LEEWAY_S).is_ok());
}

#[test]
fn alg_none_is_refused_with_and_without_a_signature() {
    let header = base64url(br#"{"alg":"none","typ":"JWT"}"#);
    let body = base64url(serde_json::to_string(&claims()).unwrap().as_bytes());
    for signature in ["", "AAAA"] {
        let token = format!("{header}.{body}.{signature}");
        assert_eq!(keys().verify(&token, None, NOW), Err(TokenError::Algorithm));
    }
}

#[test]
fn a_stripped_signature_is_refused() {
    let token = keys().mint(&claims()).unwrap();
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(keys().verify(&format!("{message}."), None, NOW), Err(TokenError::Signature));
    assert_eq!(keys().verify(message, None, NOW), Err(TokenError::Form));
}

#[test]
fn another_hmac_algorithm_is_refused_although_the_secret_is_right() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let token = sign(&Header::new(algorithm), &json!(claims()), SECRET);
        assert_eq!(keys().verify(&token, None, NOW), Err(TokenError::Algorithm));
    }
}

#[test]
fn a_header_that_says_rs256_is_refused() {
    let header = base64url(br#"{"alg":"RS256","typ":"JWT"}"#);
    let body = base64url(serde_json::to_string(&claims()).unwrap().as_bytes());
    let token = format!("{header}.{body}.AAAA");
    assert_eq!(keys().verify(&token, None, NOW), Err(TokenError::Algorithm));
}

#[test]
fn a_wrongly_typed_expiry_is_refused_and_not_taken_as_absent() {
    for exp in
        [json!("9999999999"), json!(9_999_999_999.5), json!(-1), json!([NOW + 60]), Value::Null]
    {
        let mut body = json!(claims());
        body["exp"] = exp.clone();
        let token = sign(&Header::new(HS256), &body, SECRET);
        let refused = keys().verify(&token, None, NOW);
        assert!(matches!(refused, Err(TokenError::Claims { .. })), "{exp}: {refused:?}");
    }
}

#[test]
fn a_missing_expiry_subject_or_role_is_refused_with_its_name() {
    for claim in ["exp", "sub", "role", "iat"] {
        let mut body = json!(claims());
        body.as_object_mut().unwrap().remove(claim);
        let token = sign(&Header::new(HS256), &body, SECRET);
        let message = keys().verify(&token, None, NOW).unwrap_err().to_string();
        assert!(message.contains(claim), "{message}");
    }
}

#[test]
fn an_unknown_role_a_foreign_audience_and_an_overlong_identity_are_refused() {
    let wrong = [
        ("role", json!("emperor")),
        ("aud", json!("another-service")),
        ("sub", json!("x".repeat(129))),
        ("sub", json!("")),
        ("room", json!("a room with spaces")),
    ];
    for (claim, value) in wrong {
        let mut body = json!(claims());
        body[claim] = value;
        let token = sign(&Header::new(HS256), &body, SECRET);
        let refused = keys().verify(&token, None, NOW);
        assert!(matches!(refused, Err(TokenError::Claims { .. })), "{claim}: {refused:?}");
    }
}

#[test]
fn claims_and_grants_of_a_newer_version_are_ignored() {
    let mut body = json!(claims());
    body["grants"]["teleport"] = json!(true);
    body["shoe_size"] = json!(43);
    let token = sign(&Header::new(HS256), &body, SECRET);
    assert_eq!(said(&keys(), &token, None), Ok(claims()));
}

#[test]
fn a_changed_claim_breaks_the_signature() {
    let token = keys().mint(&claims()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let host = base64url(json!(Claims { role: Role::Host, ..claims() }).to_string().as_bytes());
    let forged = format!("{}.{host}.{}", parts[0], parts[2]);
    assert_eq!(keys().verify(&forged, None, NOW), Err(TokenError::Signature));
}

#[test]
fn secrets_rotate_without_breaking_tokens_under_way() {
    let both = Keys::new([("new".to_owned(), OTHER_SECRET), ("old".to_owned(), SECRET)]).unwrap();
    let old = Keys::new([("old".to_owned(), SECRET)]).unwrap();
    let new = Keys::new([("new".to_owned(), OTHER_SECRET)]).unwrap();
    let under_way = old.mint(&claims()).unwrap();
    assert!(both.verify(&under_way, None, NOW).is_ok());
    assert_eq!(new.verify(&under_way, None, NOW), Err(TokenError::UnknownKey));
    assert!(new.verify(&both.mint(&claims()).unwrap(), None, NOW).is_ok());
}

#[test]
fn a_token_without_a_key_id_is_tried_against_every_secret() {
    let both = Keys::new([("a".to_owned(), OTHER_SECRET), ("b".to_owned(), SECRET)]).unwrap();
    let token = sign(&Header::new(HS256), &json!(claims()), SECRET);
    assert!(both.verify(&token, None, NOW).is_ok());
    let foreign = sign(&Header::new(HS256), &json!(claims()), &[7; 32]);
    assert_eq!(both.verify(&foreign, None, NOW), Err(TokenError::Signature));
}

#[test]
fn weak_missing_repeated_and_too_many_secrets_are_refused() {
    let id = |text: &str| text.to_owned();
    let refused = |secrets: Vec<(String, Vec<u8>)>| Keys::new(secrets).unwrap_err();
    assert_eq!(refused(vec![]), KeyError::None);
    assert_eq!(
        refused(vec![(id("k"), vec![1; 31])]),
        KeyError::TooShort { id: id("k"), bytes: 31 }
    );
    let twice = vec![(id("k"), vec![1; 32]), (id("k"), vec![2; 32])];
    assert_eq!(refused(twice), KeyError::Twice { id: id("k") });
    let many = (0..17).map(|index| (index.to_string(), vec![index; 32])).collect();
    assert_eq!(refused(many), KeyError::TooMany { count: 17 });
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let shown = format!("{:?}", keys());
    assert_eq!(shown, r#"Keys { signing: ["k1"], ids: ["k1"], .. }"#);
}

#[test]
fn a_grant_that_is_missing_is_forbidden() {
    assert_eq!(claims().require(Grant::List), Ok(()));
    let error = claims().require(Grant::Close).unwrap_err();
    assert!(error.is_forbidden());
    assert_eq!(error.to_string(), "the access token does not grant \"close\" to its bearer");
}

#[test]
fn an_overlong_token_is_refused_before_it_is_looked_at() {
    let token = format!("{}.{}.x", "a".repeat(TOKEN_BYTES_MAX), "b");
    assert_eq!(keys().verify(&token, None, NOW), Err(TokenError::Form));
}

proptest! {
    #[test]
    fn perturbed_tokens_are_refused_without_panic(at in 0_usize..400, byte in 0x20_u8..0x7f) {
        let token = keys().mint(&claims()).unwrap();
        let mut bytes = token.clone().into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        // The last character of a base64url part may hold unused bits; a change there is refused too.
        let perturbed = String::from_utf8(bytes).unwrap();
        prop_assert!(keys().verify(&perturbed, None, NOW).is_err());
    }

    #[test]
    fn any_text_is_refused_without_panic(text in ".{0,200}") {
        prop_assert!(keys().verify(&text, None, NOW).is_err());
    }
}
