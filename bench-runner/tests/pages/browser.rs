//! A small client for Chromium's DevTools protocol: opens a page and reports what it did.
//!
//! Blocking, one connection, one page at a time. It judges nothing.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// Longest wait for one answer of the browser.
const PATIENCE: Duration = Duration::from_secs(30);

/// Any failure, in words.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Looks for Chromium: only where `CHROMIUM` says, if it says anything, else in the usual places.
pub(crate) fn find(named: Option<&OsStr>) -> Option<PathBuf> {
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let named = named.map(|named| vec![PathBuf::from(named)]);
    let candidates = named.unwrap_or_else(|| usual.map(PathBuf::from).to_vec());
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Width of the window in CSS pixels.
    pub width: u32,
    /// Dark colour scheme.
    pub dark: bool,
    /// Print instead of screen.
    pub print: bool,
    /// Whether scripts of the page run.
    pub scripts: bool,
}

/// What a page did and looks like.
#[derive(Debug)]
pub(crate) struct Visit {
    /// Addresses it asked for, besides its own and `data:`.
    pub requests: Vec<String>,
    /// Messages on the console: its own, the browser's, and violations of its content policy.
    pub messages: Vec<String>,
    /// Result of the measuring expression.
    pub measured: Value,
    /// Length of the page as a PDF in base 64, if it was printed.
    pub pdf: usize,
}

/// A running browser.
#[derive(Debug)]
pub(crate) struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    last: u64,
    events: Vec<Value>,
    // Dropped, and with it deleted, after the browser is gone.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts `program` without a window and connects to it.
    pub(crate) fn start(program: &Path) -> Result<Self, Failure> {
        let profile = tempfile::tempdir()?;
        #[expect(clippy::disallowed_methods, reason = "a test of pages starts a real browser")]
        let mut command = Command::new(program);
        command
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        let address = loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Err("the browser ended before it listened".into());
            }
            if let Some(address) = line.trim().strip_prefix("DevTools listening on ws://") {
                break address.to_owned();
            }
        };
        // Whoever does not read a pipe blocks its writer some day.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let host = address.split('/').next().unwrap_or_default().to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (socket, _) = tungstenite::client(format!("ws://{address}"), stream)?;
        Ok(Self { child, socket, last: 0, events: Vec::new(), _profile: profile })
    }

    /// Sends one command and waits for its answer; events that arrive meanwhile are kept.
    fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value, Failure> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string()))?;
        loop {
            let answer = self.receive()?;
            if answer["id"] == json!(self.last) {
                if !answer["error"].is_null() {
                    return Err(format!("{method}: {}", answer["error"]).into());
                }
                return Ok(answer["result"].clone());
            }
            self.events.push(answer);
        }
    }

    fn receive(&mut self) -> Result<Value, Failure> {
        loop {
            if let Message::Text(text) = self.socket.read()? {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }

    /// Opens `page`, evaluates `measure` in it, and writes a picture when `picture` names a file.
    pub(crate) fn visit(
        &mut self,
        page: &Path,
        view: View,
        measure: &str,
        picture: Option<&Path>,
    ) -> Result<Visit, Failure> {
        let address = format!("file://{}", page.display());
        self.events.clear();
        let target = self.call(None, "Target.createTarget", json!({ "url": "about:blank" }))?;
        let target = target["targetId"].clone();
        let attached =
            self.call(None, "Target.attachToTarget", json!({ "targetId": target, "flatten": true }))?;
        let session = attached["sessionId"].as_str().ok_or("no session")?.to_owned();
        let session = session.as_str();
        for domain in ["Network.enable", "Runtime.enable", "Log.enable", "Page.enable"] {
            self.call(Some(session), domain, json!({}))?;
        }
        let metrics = json!({ "width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call(Some(session), "Emulation.setDeviceMetricsOverride", metrics)?;
        let scheme = if view.dark { "dark" } else { "light" };
        let media = json!({
            "media": if view.print { "print" } else { "screen" },
            "features": [{ "name": "prefers-color-scheme", "value": scheme }],
        });
        self.call(Some(session), "Emulation.setEmulatedMedia", media)?;
        let off = json!({ "value": !view.scripts });
        self.call(Some(session), "Emulation.setScriptExecutionDisabled", off)?;
        self.call(Some(session), "Page.navigate", json!({ "url": address }))?;
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.receive()?;
            self.events.push(event);
        }
        // A quarter of a second for whatever the page starts after it has loaded.
        std::thread::sleep(Duration::from_millis(250));
        let expression = json!({ "expression": measure, "returnByValue": true, "awaitPromise": true });
        let measured = self.call(Some(session), "Runtime.evaluate", expression)?;
        if !measured["exceptionDetails"].is_null() {
            return Err(format!("the measuring expression failed: {}", measured["exceptionDetails"]).into());
        }
        if let Some(file) = picture {
            self.picture(session, file)?;
        }
        let pdf = if view.print {
            let printed = self.call(Some(session), "Page.printToPDF", json!({}))?;
            printed["data"].as_str().map_or(0, str::len)
        } else {
            0
        };
        let visit = Visit {
            pdf,
            requests: self.requests(&address),
            messages: self.messages(),
            measured: measured["result"]["value"].clone(),
        };
        self.call(None, "Target.closeTarget", json!({ "targetId": target }))?;
        Ok(visit)
    }

    fn picture(&mut self, session: &str, file: &Path) -> Result<(), Failure> {
        use base64::Engine as _;
        let wanted = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.call(Some(session), "Page.captureScreenshot", wanted)?;
        let data = picture["data"].as_str().ok_or("no picture")?;
        std::fs::write(file, base64::engine::general_purpose::STANDARD.decode(data)?)?;
        Ok(())
    }

    fn requests(&self, own: &str) -> Vec<String> {
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let addresses = sent.filter_map(|event| event["params"]["request"]["url"].as_str());
        addresses.filter(|url| *url != own && !url.starts_with("data:")).map(str::to_owned).collect()
    }

    fn messages(&self) -> Vec<String> {
        let told = ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"];
        let events = self.events.iter().filter(|event| told.iter().any(|name| event["method"] == *name));
        events.map(|event| event["params"].to_string()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked first, so that its helper processes end with it; killed if it does not answer.
        drop(self.call(None, "Browser.close", json!({})));
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
