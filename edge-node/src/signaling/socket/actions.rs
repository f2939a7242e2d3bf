//! What people do to each other, from the message to the action that the owner judges. Pure.

use stoa_protocol::mesh::control::Deed;

use super::super::problem::Problem;
use super::super::rest::{check_identity, check_reason};
use super::said::StageAction;
use crate::rooms::Action;

/// Reads a `stage` message.
///
/// # Errors
/// 400 that names the field that is missing or broken.
pub(super) fn read(said: StageAction) -> Result<Action, Problem> {
    let StageAction { action, participant, role, reason, seconds, identity } = said;
    let text = reason.unwrap_or_default();
    check_reason(&text)?;
    let to = |deed| {
        participant.clone().map(|whom| Action::to(deed, whom)).ok_or_else(|| missing("participant"))
    };
    match action.as_str() {
        "accept" => to(Deed::AcceptHand),
        "decline" => to(Deed::DeclineHand),
        "invite" => to(Deed::Invite),
        "uninvite" => to(Deed::DeclineInvitation),
        "follow" => Ok(Action::new(Deed::AcceptInvitation)),
        "refuse" => Ok(Action::new(Deed::DeclineInvitation)),
        "role" => {
            let role = Some(role.ok_or_else(|| missing("role"))?);
            Ok(Action { role, ..to(Deed::SetRole)? })
        }
        "mute-all" => Ok(Action::new(Deed::MuteAll)),
        "remove" => Ok(Action { text, ..to(Deed::Remove)? }),
        "ban" => Ok(Action { text, seconds: seconds.unwrap_or_default(), ..to(Deed::Ban)? }),
        "unban" => {
            let identity = identity.ok_or_else(|| missing("identity"))?;
            check_identity(&identity)?;
            Ok(Action { identity, ..Action::new(Deed::Unban) })
        }
        "hand-over" => to(Deed::HandOver),
        "report" if text.is_empty() => Err(missing("reason")),
        "report" => Ok(Action { text, ..to(Deed::Report)? }),
        _ => Err(Problem::bad_request("action-unknown", "This action is not known here.")
            .about("action")),
    }
}

fn missing(field: &str) -> Problem {
    let detail = format!("This action takes the field `{field}`.");
    Problem::bad_request("field-missing", detail).about(field)
}

#[cfg(test)]
mod tests {
    use stoa_protocol::ids::Role;

    use stoa_protocol::ids::ParticipantId;

    use super::*;

    fn read_json(message: serde_json::Value) -> Result<Action, Problem> {
        read(serde_json::from_value(message).expect("a message"))
    }

    #[test]
    fn every_action_of_the_protocol_page_is_known() {
        let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/PROTOCOL.md"));
        let table = page.split("| `action` |").nth(1).expect("the table");
        let table = table.split("\n\n").next().expect("its rows");
        let mut deeds = std::collections::BTreeSet::new();
        for row in table.lines().skip(2) {
            let names = row.split('|').nth(1).expect("a first cell");
            for name in names.split('`').skip(1).step_by(2) {
                let message = serde_json::json!({"action": name, "participant": "p_2", "role": "speaker", "reason": "x", "identity": "ada"});
                let action =
                    read_json(message).unwrap_or_else(|problem| panic!("{name}: {problem:?}"));
                deeds.insert((action.deed, action.participant.is_some()));
            }
        }
        assert_eq!(deeds.len(), 13, "{deeds:?}");
    }

    #[test]
    fn what_is_missing_or_too_long_is_named() {
        let long = "x".repeat(201);
        let cases = [
            (serde_json::json!({"action": "accept"}), "participant"),
            (serde_json::json!({"action": "role", "participant": "p_2"}), "role"),
            (serde_json::json!({"action": "report", "participant": "p_2"}), "reason"),
            (
                serde_json::json!({"action": "remove", "participant": "p_2", "reason": long}),
                "reason",
            ),
            (serde_json::json!({"action": "unban"}), "identity"),
            (serde_json::json!({"action": "unban", "identity": "a\u{0}"}), "identity"),
            (serde_json::json!({"action": "dance"}), "action"),
        ];
        for (message, field) in cases {
            let problem = read_json(message.clone()).expect_err("refused");
            assert_eq!(
                (problem.status.as_u16(), problem.field.as_deref()),
                (400, Some(field)),
                "{message}"
            );
        }
    }

    #[test]
    fn an_action_carries_its_fields() {
        let message = serde_json::json!({"action": "ban", "participant": "p_2", "reason": "spam", "seconds": 60});
        let action = read_json(message).expect("an action");
        assert_eq!((action.deed, action.text.as_str(), action.seconds), (Deed::Ban, "spam", 60));
        assert_eq!(action.participant, ParticipantId::new("p_2").ok());
        let message =
            serde_json::json!({"action": "role", "participant": "p_2", "role": "moderator"});
        assert_eq!(read_json(message).expect("an action").role, Some(Role::Moderator));
    }
}
