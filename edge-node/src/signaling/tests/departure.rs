//! How a WebSocket ends when its client goes.

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::Stage;
use super::fake_rooms::Call;
use super::websocket::joined;

#[tokio::test]
async fn a_closed_tab_has_left_and_a_broken_line_has_not() {
    for (code, leaves) in [(1000, true), (1001, true), (1011, false)] {
        let stage = Stage::new();
        let mut client = joined(&stage).await;
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        client.send(Message::Close(Some(frame))).await.expect("open");
        drop(client);
        let all = u32::try_from(stage.app.settings.limits.websockets_max).expect("few");
        // All permits are back once the task has ended.
        let _all = stage.app.websockets.acquire_many(all).await.expect("permits");
        let left = stage.rooms.calls().iter().any(|call| matches!(call, Call::Leave(_)));
        assert_eq!(left, leaves, "code {code}");
    }
}
