//! The routes `/status` and `/status.json`. The thread of the rooms is asked by a message for what it knows, one question
//! at a time and a few a second, so that no number of readers delays a frame.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use stoa_runtime::metrics_page;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::page;
use super::query::Query;
use super::survey::Survey;

/// Readers that may wait; further ones are told to come back.
const READERS_MAX: usize = 16;
/// Time between two questions.
const SPACING: Duration = Duration::from_millis(100);
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A question, and where its answer goes.
type Question = (Query, oneshot::Sender<Survey>);

/// Questions, at the end of who answers them.
pub type Asked = mpsc::Receiver<Question>;

/// Asks the thread of the rooms.
#[derive(Clone, Debug)]
pub struct Asker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    questions: mpsc::Sender<Question>,
    readers: Semaphore,
    /// When the next question may be asked.
    free_at: Mutex<Instant>,
}

/// Both ends.
#[must_use]
pub fn channel() -> (Asker, Asked) {
    let (questions, asked) = mpsc::channel(1);
    let inner = Inner {
        questions,
        readers: Semaphore::new(READERS_MAX),
        free_at: Mutex::new(Instant::now()),
    };
    (Asker(Arc::new(inner)), asked)
}

impl Asker {
    /// Both routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/status", get(for_people))
            .route("/status.json", get(for_programs))
            .with_state(self)
    }

    async fn ask(&self, uri: &Uri) -> Result<Survey, StatusCode> {
        let query = Query::read(uri.query().unwrap_or_default()).ok_or(StatusCode::BAD_REQUEST)?;
        let away = |_| StatusCode::SERVICE_UNAVAILABLE;
        let _reader = self.0.readers.try_acquire().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let answer = {
            let mut free_at = self.0.free_at.lock().await;
            tokio::time::sleep_until(*free_at).await;
            *free_at = Instant::now() + SPACING;
            let (answer, answered) = oneshot::channel();
            let question = self.0.questions.try_send((query, answer));
            question.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
            tokio::time::timeout(ANSWER_WITHIN, answered).await
        };
        answer.map_err(away)?.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// Serves pages from a thread of their own, so that no reader delays a frame. The thread ends with the process.
///
/// # Errors
/// When the address cannot be used.
pub fn serve(address: SocketAddr, router: Router) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("the metrics page cannot listen on {address}; is another process there?")
    })?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        metrics_page::serve_on(listener, router, std::future::pending()).await?;
        anyhow::Ok(())
    };
    std::thread::Builder::new().name("metrics-page".to_owned()).spawn(move || {
        if let Err(error) = runtime.block_on(serve) {
            tracing::error!(%error, "the metrics page has ended");
        }
    })?;
    Ok(bound)
}

async fn for_people(State(asker): State<Asker>, uri: Uri) -> Response {
    match asker.ask(&uri).await {
        Ok(survey) => document("text/html; charset=utf-8", page::write(&survey).into_string()),
        Err(status) => refusal(status),
    }
}

async fn for_programs(State(asker): State<Asker>, uri: Uri) -> Response {
    match asker.ask(&uri).await.map(|survey| serde_json::to_string(&survey)) {
        Ok(Ok(text)) => document("application/json", text),
        Ok(Err(error)) => {
            tracing::error!(%error, "the status cannot be written");
            refusal(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Err(status) => refusal(status),
    }
}

/// Nothing is loaded from elsewhere, nothing runs, and nobody keeps a copy.
fn document(kind: &'static str, text: String) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                          form-action 'none'; frame-ancestors 'none'";
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, Body::from(text)).into_response()
}

fn refusal(status: StatusCode) -> Response {
    let text = match status {
        StatusCode::BAD_REQUEST => "The page takes `room` and `after`, both ids of rooms.\n",
        StatusCode::SERVICE_UNAVAILABLE => "This origin is busy or not up yet; ask again.\n",
        _ => "This should not have happened; the log says more.\n",
    };
    (status, [(header::RETRY_AFTER, "1")], text).into_response()
}
