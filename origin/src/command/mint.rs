//! A token as asked for on the command line.

use anyhow::{bail, ensure};
use stoa_protocol::token::{Claims, Grants, SigningKey, TEXT_CHARACTERS_MAX, TOKEN_LIFE_MAX_S};

use super::action::MakeToken;

/// What the token says. `jti` is drawn by the caller.
pub(super) fn claims(asked: &MakeToken, jti: String, now_unix_s: u64) -> anyhow::Result<Claims> {
    let ttl_s = asked.ttl.as_secs();
    ensure!(
        ttl_s <= TOKEN_LIFE_MAX_S,
        "--ttl may be 31d at most, so that a revocation can be forgotten one day; a back end draws a \
         new token in time"
    );
    let name = asked.name.clone().unwrap_or_default();
    for (option, text) in [("--identity", &asked.identity), ("--name", &name)] {
        let characters = text.chars().count();
        ensure!(
            characters <= TEXT_CHARACTERS_MAX,
            "{option} has {characters} characters; at most {TEXT_CHARACTERS_MAX} are allowed"
        );
    }
    ensure!(!asked.identity.is_empty(), "--identity must not be empty");
    Ok(Claims {
        room: asked.room.clone(),
        sub: asked.identity.clone(),
        name,
        role: asked.role,
        grants: asked.grant.iter().copied().fold(Grants::default(), Grants::with),
        iat: now_unix_s,
        nbf: None,
        exp: now_unix_s + ttl_s,
        jti,
    })
}

/// The line that is printed: the token, or a link with it behind `#`, where no server sees it.
pub(super) fn line(asked: &MakeToken, key: &SigningKey, claims: &Claims) -> anyhow::Result<String> {
    let token = key.sign(claims)?;
    let Some((base, room)) = asked.link.as_deref().zip(asked.room.as_ref()) else {
        return Ok(token);
    };
    let base = base.trim_end_matches('/');
    if !(base.starts_with("https://") || base.starts_with("http://")) || base.contains('#') {
        bail!("--link takes the address of an edge, such as https://ams.example.net");
    }
    Ok(format!("{base}/r/{room}#token={token}"))
}
