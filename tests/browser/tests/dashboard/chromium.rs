//! A page in a headless Chromium, by the protocol of its developer tools.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// How long the browser may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one page, until it is dropped.
pub(crate) struct Page {
    browser: Child,
    socket: WebSocket<TcpStream>,
    session: Value,
    n_sent: u64,
    /// What the browser has told by itself.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Drop for Page {
    fn drop(&mut self) {
        // It has nothing to save.
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}

impl Page {
    /// A page that shows an address, in a window of that size.
    pub(crate) fn open(url: &str, width: u32, height: u32) -> Self {
        let mut page = Self::start();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page.resize(width, height);
        page.call("Page.navigate", json!({ "url": url }));
        page.until("document.readyState === 'complete' && document.body.dataset.rounds > 1");
        page
    }

    fn start() -> Self {
        let profile = tempfile::tempdir().expect("a directory");
        let mut browser = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("`chromium` starts; install it, on Debian with `apt-get install chromium`");
        let mut lines = BufReader::new(browser.stderr.take().expect("it is piped")).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("DevTools listening on ")?.to_owned()))
            .expect("Chromium says where it listens");
        // It stops where nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        let host = url.split('/').nth(2).expect("an address");
        let stream = TcpStream::connect(host).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let (socket, _) = tungstenite::client(&url, stream).expect("a socket");
        let (session, events) = (Value::Null, Vec::new());
        let mut page = Self { browser, socket, session, n_sent: 0, events, _profile: profile };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        page.session = page.call("Target.attachToTarget", attach)["sessionId"].take();
        page
    }

    /// Sends a command, and waits for its result.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.n_sent += 1;
        let mut command = json!({ "id": self.n_sent, "method": method, "params": params });
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        self.socket.send(Message::text(command.to_string())).expect("the browser runs");
        loop {
            let message = self.socket.read();
            let message = message.unwrap_or_else(|error| panic!("no answer to {command}: {error}"));
            let Ok(text) = message.to_text() else { continue };
            let mut message: Value = serde_json::from_str(text).expect("the protocol is JSON");
            if message["id"] != self.n_sent {
                self.events.push(message);
                continue;
            }
            assert!(message["error"].is_null(), "{command}: {message}");
            return message["result"].take();
        }
    }

    /// What a script comes to.
    #[track_caller]
    pub(crate) fn eval(&mut self, script: &str) -> Value {
        let params = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let mut result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{script}: {result}");
        result["result"]["value"].take()
    }

    /// The text that a script comes to.
    #[track_caller]
    pub(crate) fn text(&mut self, script: &str) -> String {
        let value = self.eval(script);
        value.as_str().unwrap_or_else(|| panic!("{script} is {value}")).to_owned()
    }

    /// Waits until that is so.
    #[track_caller]
    pub(crate) fn until(&mut self, condition: &str) {
        // The answer comes when it is, and the patience with answers ends some time.
        self.eval(&format!(
            "new Promise((done) => {{ const look = () => ({condition}) ? done() : setTimeout(look, 20); look(); }})"
        ));
    }

    /// Presses a key, as a person does.
    pub(crate) fn press(&mut self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.call(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text }),
            );
        }
    }

    /// Writes into a field that has the focus.
    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    pub(crate) fn darken(&mut self) {
        let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        self.call("Emulation.setEmulatedMedia", dark);
    }

    /// Writes what is seen into a file, however long the page is.
    pub(crate) fn screenshot(&mut self, path: &Path) {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let image = self.call("Page.captureScreenshot", params);
        let bytes = STANDARD.decode(image["data"].as_str().expect("a picture")).expect("base64");
        std::fs::write(path, bytes).expect("a file");
    }

    /// What the page has complained of.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let is_bad = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => event["params"]["type"] == "error",
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            _ => false,
        };
        self.events.iter().filter(is_bad).map(|event| event["params"].to_string()).collect()
    }

    /// The addresses that the page has asked.
    pub(crate) fn requests(&self) -> Vec<String> {
        let of = |event: &Value| {
            (event["method"] == "Network.requestWillBeSent")
                .then(|| event["params"]["request"]["url"].as_str().map(str::to_owned))?
        };
        self.events.iter().filter_map(of).collect()
    }
}
