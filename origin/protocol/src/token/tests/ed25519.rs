//! Ed25519: keys in their two forms, and attempts to use one kind of key as another.

use jsonwebtoken::Header;
use serde_json::json;

use super::super::error::{KeyError, TokenError};
use super::super::{Key, Keys, SigningKey};
use super::{HS256, NOW, OTHER_SECRET, SECRET, base64url, claims, room, said, sign, sign_raw};

/// Made by `openssl genpkey -algorithm ed25519`, and nowhere in use.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIK3fG4IXKeH2ueJFmn7+2D1eXEnqop6SFWgrAuxrPIN7\n\
    -----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAxHnLesOMfJrkj3qyekMTIPfV5/S1BdVdBeQk0tTnlb4=\n\
    -----END PUBLIC KEY-----\n";
const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"xHnLesOMfJrkj3qyekMTIPfV5_S1BdVdBeQk0tTnlb4","kid":"ignored"}"#;
/// Of a curve of other keys, by `openssl genpkey -algorithm x25519 | openssl pkey -pubout`.
const X25519: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VuAyEA/HJOwf/OxjG8Ir+qEVfWNBKebOY0ewvhNY0HliNDcn4=\n\
    -----END PUBLIC KEY-----\n";

fn edges() -> Keys {
    let keys = [Key::hs256("secret", SECRET), Key::ed25519("ed", PUBLIC)];
    Keys::from_keys(keys.map(Result::unwrap)).unwrap()
}

fn back_end() -> SigningKey {
    SigningKey::ed25519("ed", PRIVATE).unwrap()
}

#[test]
fn a_token_signed_with_the_private_key_passes_by_the_public_one() {
    let token = back_end().sign(&claims()).unwrap();
    for public in [PUBLIC, JWK] {
        let keys = Keys::from_keys([Key::ed25519("ed", public).unwrap()]).unwrap();
        assert_eq!(said(&keys, &token, Some(&room("agora"))), Ok(claims()));
    }
}

#[test]
fn secrets_and_public_keys_are_valid_side_by_side() {
    let by_key = back_end().sign(&claims()).unwrap();
    let by_secret = edges().mint(&claims()).unwrap();
    assert_eq!(edges().verify(&by_key, None, NOW).unwrap().key, "ed");
    assert_eq!(edges().verify(&by_secret, None, NOW).unwrap().key, "secret");
}

#[test]
fn a_token_that_names_no_key_finds_the_one_that_signed_it() {
    let by_secret = sign(&Header::new(HS256), &json!(claims()), SECRET);
    assert_eq!(edges().verify(&by_secret, None, NOW).unwrap().key, "secret");
    let foreign = sign(&Header::new(HS256), &json!(claims()), OTHER_SECRET);
    assert_eq!(said(&edges(), &foreign, None), Err(TokenError::Signature));
}

#[test]
fn the_public_key_is_no_secret_in_any_of_its_forms() {
    let raw = Key::ed25519("ed", PUBLIC).unwrap();
    let raw = raw.decoding.try_get_as_bytes().unwrap().to_vec();
    let forms = [PUBLIC.as_bytes(), PUBLIC.trim().as_bytes(), JWK.as_bytes(), &raw];
    for secret in forms {
        let mut header = Header::new(HS256);
        for (kid, refused) in [
            (Some("ed"), TokenError::Algorithm),
            (Some("secret"), TokenError::Signature),
            (None, TokenError::Signature),
        ] {
            header.kid = kid.map(str::to_owned);
            let token = sign(&header, &json!(claims()), secret);
            assert_eq!(said(&edges(), &token, None), Err(refused), "{kid:?}");
        }
    }
}

#[test]
fn a_header_cannot_turn_a_secret_into_a_public_key() {
    let token = SigningKey::ed25519("secret", PRIVATE).unwrap().sign(&claims()).unwrap();
    assert_eq!(said(&edges(), &token, None), Err(TokenError::Algorithm));
    let secrets = Keys::new([("k1".to_owned(), SECRET)]).unwrap();
    let nameless = sign_raw(r#"{"alg":"EdDSA"}"#, &json!(claims()).to_string(), SECRET);
    assert_eq!(said(&secrets, &nameless, None), Err(TokenError::Algorithm));
}

#[test]
fn no_other_algorithm_passes_for_an_ed25519_key() {
    let body = base64url(json!(claims()).to_string().as_bytes());
    for algorithm in ["none", "ES256", "RS256", "PS256", "HS384", "eddsa", "Ed25519"] {
        let header = base64url(json!({ "alg": algorithm, "kid": "ed" }).to_string().as_bytes());
        for signature in ["", "AAAA", &base64url(&[0; 64])] {
            let token = format!("{header}.{body}.{signature}");
            assert_eq!(said(&edges(), &token, None), Err(TokenError::Algorithm), "{algorithm}");
        }
    }
}

#[test]
fn another_private_key_and_a_changed_claim_are_refused() {
    let token = back_end().sign(&claims()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let body =
        base64url(json!(super::Claims { sub: "eve".into(), ..claims() }).to_string().as_bytes());
    assert_eq!(
        said(&edges(), &format!("{header}.{body}.{signature}"), None),
        Err(TokenError::Signature)
    );
    for signature in [String::new(), base64url(&[0; 64]), base64url(&[0xff; 64]), base64url(&[1])] {
        let forged = format!("{message}.{signature}");
        assert_eq!(said(&edges(), &forged, None), Err(TokenError::Signature));
    }
}

#[test]
fn public_keys_alone_cannot_sign() {
    let keys = Keys::from_keys([Key::ed25519("ed", PUBLIC).unwrap()]).unwrap();
    assert!(!keys.can_sign());
    assert_eq!(keys.mint(&claims()), Err(KeyError::CannotSign));
    assert!(edges().can_sign());
}

#[test]
fn a_private_key_where_a_public_one_belongs_is_refused_as_such() {
    let jwk = JWK.replace("\"kid\"", "\"d\":\"AAAA\",\"kid\"");
    for private in [PRIVATE, jwk.as_str()] {
        let error = Key::ed25519("ed", private).unwrap_err();
        assert_eq!(error, KeyError::Private { id: "ed".into() });
    }
}

#[test]
fn what_is_no_ed25519_key_is_refused_without_being_quoted() {
    let short = JWK.replace("\"x\":\"", "\"x\":\"AAAA");
    let curve = JWK.replace("Ed25519", "X25519");
    let kind = JWK.replace("OKP", "RSA");
    for text in ["", "hunter2", "{", "{}", X25519, &short, &curve, &kind] {
        let error = Key::ed25519("ed", text).unwrap_err();
        assert_eq!(error, KeyError::NotPublic { id: "ed".into() }, "{text}");
        assert!(text.is_empty() || text.len() < 3 || !error.to_string().contains(text));
    }
    for text in ["", "hunter2", PUBLIC, X25519] {
        assert_eq!(SigningKey::ed25519("ed", text).unwrap_err(), KeyError::NotPrivate, "{text}");
    }
}

#[test]
fn an_id_that_is_empty_or_overlong_is_refused() {
    for id in [String::new(), "x".repeat(129)] {
        assert_eq!(Key::ed25519(id.clone(), PUBLIC).unwrap_err(), KeyError::Id);
        assert_eq!(Key::hs256(id.clone(), SECRET).unwrap_err(), KeyError::Id);
        assert_eq!(SigningKey::ed25519(id, PRIVATE).unwrap_err(), KeyError::Id);
    }
}

#[test]
fn keys_do_not_show_in_debug_output() {
    let shown = format!("{:?} {:?}", back_end(), Key::hs256("k", SECRET).unwrap());
    assert_eq!(
        shown,
        "SigningKey { id: Some(\"ed\"), .. } \
         Key { id: \"k\", tenant: TenantId(\"default\"), algorithm: Hs256, .. }"
    );
}
