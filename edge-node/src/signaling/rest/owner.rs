//! A question to the owner, and the part of its answer that is wanted.

use axum::http::StatusCode;
use stoa_protocol::mesh::control::{
    Answer, Ask, BanPage, BlockPage, Erased, LogPage, ParticipantPage, RoomInfo, RoomPage,
};

use super::super::app::App;
use super::super::problem::Problem;

pub(super) async fn done(app: &App, ask: Ask) -> Result<(), Problem> {
    // Whatever else a newer owner says of something done, it is done.
    app.ask(app.rooms.ask(ask)).await.map(|_| ())
}

pub(super) async fn room(app: &App, ask: Ask) -> Result<RoomInfo, Problem> {
    wanted(app, ask, |answer| if let Answer::Room(info) = answer { Some(info) } else { None }).await
}

pub(super) async fn rooms(app: &App, ask: Ask) -> Result<RoomPage, Problem> {
    wanted(app, ask, |answer| if let Answer::Rooms(page) = answer { Some(page) } else { None })
        .await
}

pub(super) async fn participants(app: &App, ask: Ask) -> Result<ParticipantPage, Problem> {
    let page = |answer| if let Answer::Participants(page) = answer { Some(page) } else { None };
    wanted(app, ask, page).await
}

pub(super) async fn log(app: &App, ask: Ask) -> Result<LogPage, Problem> {
    wanted(app, ask, |answer| if let Answer::Log(page) = answer { Some(page) } else { None }).await
}

pub(super) async fn erased(app: &App, ask: Ask) -> Result<Erased, Problem> {
    let part = |answer| if let Answer::Erased(erased) = answer { Some(erased) } else { None };
    wanted(app, ask, part).await
}

pub(super) async fn blocks(app: &App, ask: Ask) -> Result<BlockPage, Problem> {
    let page = |answer| if let Answer::Blocks(page) = answer { Some(page) } else { None };
    wanted(app, ask, page).await
}

pub(super) async fn bans(app: &App, ask: Ask) -> Result<BanPage, Problem> {
    wanted(app, ask, |answer| if let Answer::Bans(page) = answer { Some(page) } else { None }).await
}

async fn wanted<T>(app: &App, ask: Ask, part: fn(Answer) -> Option<T>) -> Result<T, Problem> {
    part(app.ask(app.rooms.ask(ask)).await?).ok_or_else(|| {
        let detail = "The room's origin gave an answer that does not fit.";
        Problem::new(StatusCode::BAD_GATEWAY, "owner-confused", detail)
    })
}
