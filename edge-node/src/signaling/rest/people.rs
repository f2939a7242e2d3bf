//! Who is in a room, and what is done to them.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use stoa_protocol::ids::{ParticipantId, Role, RoomId};
use stoa_protocol::mesh::control::{Ask, Deed, ListParticipants, SetMuted};
use utoipa::ToSchema;

use super::super::app::Shared;
use super::super::authorization::room_id;
use super::super::body;
use super::super::problem::Problem;
use super::authority::{anybody, moderating, seeing};
use super::fields::{check_reason, malformed};
use super::owner;
use super::query::Parameters;
use super::rooms::fresh;
use super::views::{HandPage, ParticipantPage};
use crate::rooms::Action;

type Of = Path<(String, String)>;
type Done = Result<StatusCode, Problem>;

/// What `PUT ../role` takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleWanted {
    /// `listener`, `speaker` or `moderator`.
    #[schema(value_type = String, pattern = "^(listener|speaker|moderator|host)$")]
    role: Role,
}

/// What `PUT ../muted` takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Muting {
    muted: bool,
}

/// What `POST ../host` takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandOver {
    /// Who is to be host.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    participant: String,
}

/// What `POST ../report` takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// Why, up to 200 characters.
    #[schema(max_length = 200)]
    reason: String,
}

/// `GET /v1/rooms/{room}/participants`; moderators and back ends learn identities.
pub(crate) async fn list(
    State(app): State<Shared>,
    Path(room): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let room = room_id(room)?;
    let tenant = seeing(&app, &headers, &room)?;
    let authority = moderating(&app, &headers, &room).ok();
    let ask = page(&room, &Parameters::read(&uri, &["after", "limit"])?)?;
    let identities = authority.is_some();
    let ask = Ask::ListParticipants(ListParticipants { identities, tenant, ..ask });
    let ask = authority.map_or(ask.clone(), |authority| authority.ask(ask));
    Ok(fresh(Json(ParticipantPage::from(owner::participants(&app, ask).await?))))
}

/// `GET /v1/rooms/{room}/hands`: whose hands are up, in the order of the queue.
pub(crate) async fn hands(
    State(app): State<Shared>,
    Path(room): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let room = room_id(room)?;
    let authority = moderating(&app, &headers, &room)?;
    let tenant = authority.tenant.clone();
    let ask = page(&room, &Parameters::read(&uri, &["after", "limit"])?)?;
    let ask =
        Ask::ListParticipants(ListParticipants { identities: true, hands: true, tenant, ..ask });
    Ok(fresh(Json(HandPage::from(owner::participants(&app, authority.ask(ask)).await?))))
}

fn page(room: &RoomId, query: &Parameters) -> Result<ListParticipants, Problem> {
    let after = query.after(|after| ParticipantId::new(after).map(|_| ()))?;
    let (room, limit) = (room.to_string(), query.limit()?);
    Ok(ListParticipants { room, after, limit, ..ListParticipants::default() })
}

/// `PUT ../participants/{participant}/role`.
pub(crate) async fn set_role(
    State(app): State<Shared>,
    of: Of,
    headers: HeaderMap,
    body: Body,
) -> Done {
    let (room, participant) = whom(of)?;
    let authority = moderating(&app, &headers, &room)?;
    let RoleWanted { role } = body::json(&app, &headers, body).await?;
    let action = Action { role: Some(role), ..Action::to(Deed::SetRole, participant) };
    done(owner::done(&app, authority.act(&room, &action)).await)
}

/// `PUT ../participants/{participant}/muted`.
pub(crate) async fn mute(
    State(app): State<Shared>,
    of: Of,
    headers: HeaderMap,
    body: Body,
) -> Done {
    let (room, participant) = whom(of)?;
    let authority = moderating(&app, &headers, &room)?;
    let Muting { muted } = body::json(&app, &headers, body).await?;
    let ask = SetMuted {
        room: room.to_string(),
        participant: participant.to_string(),
        muted,
        by: String::new(),
        authority: authority.wire(),
        actor: authority.identity.clone(),
        tenant: authority.tenant.clone(),
    };
    done(owner::done(&app, authority.ask(Ask::SetMuted(ask))).await)
}

/// `PUT ../participants/{participant}/hand`: raises it for him.
pub(crate) async fn raise_hand(State(app): State<Shared>, of: Of, headers: HeaderMap) -> Done {
    deed(&app, of, &headers, Deed::RaiseHand).await
}

/// `DELETE ../participants/{participant}/hand`.
pub(crate) async fn decline_hand(State(app): State<Shared>, of: Of, headers: HeaderMap) -> Done {
    deed(&app, of, &headers, Deed::DeclineHand).await
}

/// `POST ../participants/{participant}/hand/accept`.
pub(crate) async fn accept_hand(State(app): State<Shared>, of: Of, headers: HeaderMap) -> Done {
    deed(&app, of, &headers, Deed::AcceptHand).await
}

/// `POST ../participants/{participant}/invitation`.
pub(crate) async fn invite(State(app): State<Shared>, of: Of, headers: HeaderMap) -> Done {
    deed(&app, of, &headers, Deed::Invite).await
}

/// `DELETE ../participants/{participant}/invitation`.
pub(crate) async fn uninvite(State(app): State<Shared>, of: Of, headers: HeaderMap) -> Done {
    deed(&app, of, &headers, Deed::DeclineInvitation).await
}

/// `DELETE ../participants/{participant}`: sends him out; he may come back.
pub(crate) async fn remove(
    State(app): State<Shared>,
    of: Of,
    uri: Uri,
    headers: HeaderMap,
) -> Done {
    let (room, participant) = whom(of)?;
    let authority = moderating(&app, &headers, &room)?;
    let query = Parameters::read(&uri, &["reason"])?;
    let text = query.text("reason").to_owned();
    check_reason(&text)?;
    let action = Action { text, ..Action::to(Deed::Remove, participant) };
    done(owner::done(&app, authority.act(&room, &action)).await)
}

/// `POST ../participants/{participant}/report`: anybody of the room may.
pub(crate) async fn report(
    State(app): State<Shared>,
    of: Of,
    headers: HeaderMap,
    body: Body,
) -> Done {
    let (room, participant) = whom(of)?;
    let authority = anybody(&app, &headers, &room)?;
    let Reason { reason: text } = body::json(&app, &headers, body).await?;
    check_reason(&text)?;
    let action = Action { text, ..Action::to(Deed::Report, participant) };
    done(owner::done(&app, authority.act(&room, &action)).await)
}

/// `POST /v1/rooms/{room}/mute-all`.
pub(crate) async fn mute_all(
    State(app): State<Shared>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Done {
    let room = room_id(room)?;
    let authority = moderating(&app, &headers, &room)?;
    done(owner::done(&app, authority.act(&room, &Action::new(Deed::MuteAll))).await)
}

/// `POST /v1/rooms/{room}/host`: makes somebody the host.
pub(crate) async fn hand_over(
    State(app): State<Shared>,
    Path(room): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Done {
    let room = room_id(room)?;
    let authority = moderating(&app, &headers, &room)?;
    let HandOver { participant } = body::json(&app, &headers, body).await?;
    let participant = ParticipantId::new(participant)
        .map_err(|_| malformed("participant", "The field `participant` names nobody."))?;
    let action = Action::to(Deed::HandOver, participant);
    done(owner::done(&app, authority.act(&room, &action)).await)
}

async fn deed(app: &Shared, of: Of, headers: &HeaderMap, deed: Deed) -> Done {
    let (room, participant) = whom(of)?;
    let authority = moderating(app, headers, &room)?;
    done(owner::done(app, authority.act(&room, &Action::to(deed, participant))).await)
}

fn whom(Path((room, participant)): Of) -> Result<(RoomId, ParticipantId), Problem> {
    let participant = ParticipantId::new(participant).map_err(|_| {
        let detail = "There is no such participant in the room.";
        Problem::new(StatusCode::NOT_FOUND, "participant-not-found", detail)
    })?;
    Ok((room_id(room)?, participant))
}

fn done(outcome: Result<(), Problem>) -> Done {
    outcome.map(|()| StatusCode::NO_CONTENT)
}
