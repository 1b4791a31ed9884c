//! Clients that upload files, describe, keep and delete them at nodes that may be killed at any moment, and remember what they
//! asked for and what was acknowledged.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::leftovers::Random;
use crate::support::{Answer, Form, PATIENCE, read_answer};
use crate::webhooks::CREDENTIALS;

/// What becomes of a file, as its event tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    Uploaded,
    Stored,
    /// The metadata have this value.
    InfoUpdated(String),
    Deleted,
}

/// What clients have asked for.
#[derive(Debug, Default)]
pub struct Asked {
    /// All of it, by the file. Of an upload without an answer nobody knows the file.
    pub all: BTreeSet<(String, Told)>,
    pub acknowledged: BTreeSet<(String, Told)>,
    /// Requests that were acknowledged: one may have two events.
    pub changes: usize,
    /// Requests that were broken off.
    pub broken_off: usize,
    pub uploads_broken_off: usize,
}

impl Asked {
    fn ask(&mut self, file: &str, told: &[Told]) {
        self.all.extend(told.iter().map(|told| (file.to_owned(), told.clone())));
    }

    fn acknowledge(&mut self, file: &str, told: &[Told]) {
        self.changes += 1;
        self.acknowledged
            .extend(told.iter().map(|told| (file.to_owned(), told.clone())));
    }
}

/// The nodes that clients ask, and what they asked for.
pub struct Clients {
    /// Where each node listens at the moment.
    pub nodes: Vec<Mutex<String>>,
    pub asked: Mutex<Asked>,
    pub over: AtomicBool,
    next: AtomicUsize,
}

impl Clients {
    pub fn of(nodes: Vec<String>) -> Self {
        Self {
            nodes: nodes.into_iter().map(Mutex::new).collect(),
            asked: Mutex::default(),
            over: AtomicBool::new(false),
            next: AtomicUsize::new(0),
        }
    }

    pub fn changes(&self) -> usize {
        self.asked.lock().unwrap().changes
    }

    /// The lives of many files, one after the other, until it is over.
    pub fn change_files(&self) {
        while !self.over.load(Ordering::SeqCst) {
            self.life(self.next.fetch_add(1, Ordering::SeqCst));
        }
    }

    /// The life of a file. No request is sent again: what was broken off may have been done or not.
    fn life(&self, number: usize) {
        let mut random = Random::of(number);
        let (is_kept, changes, is_deleted) = (random.below(2) == 0, random.below(4), random.below(2) == 0);
        let Some(file) = self.upload(number, is_kept, &mut random) else {
            return;
        };
        for change in 0..changes {
            let (path, value) = (format!("PUT /files/{file}/metadata/n/"), change.to_string());
            let body = Value::from(value.clone()).to_string();
            self.change(&path, &body, &file, Told::InfoUpdated(value), &mut random);
        }
        let storage = format!("/files/{file}/storage/");
        if !is_kept {
            self.change(&format!("PUT {storage}"), "", &file, Told::Stored, &mut random);
        }
        if is_deleted {
            self.change(&format!("DELETE {storage}"), "", &file, Told::Deleted, &mut random);
        }
    }

    fn upload(&self, number: usize, is_kept: bool, random: &mut Random) -> Option<String> {
        let form = Form::default()
            .key()
            .field("UPLOADCARE_STORE", if is_kept { "1" } else { "0" })
            .file("file", "a.txt", number.to_string().as_bytes());
        let answer = self.answer_to(&form.head("/base/"), &form.body(), random);
        let mut asked = self.asked.lock().unwrap();
        let Some(answer) = answer else {
            asked.broken_off += 1;
            asked.uploads_broken_off += 1;
            return None;
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let file = answer.json()["file"].as_str().unwrap().to_owned();
        let told: &[_] = match is_kept {
            true => &[Told::Uploaded, Told::Stored],
            false => &[Told::Uploaded],
        };
        asked.ask(&file, told);
        asked.acknowledge(&file, told);
        Some(file)
    }

    fn change(&self, line: &str, body: &str, file: &str, told: Told, random: &mut Random) {
        let told = [told];
        self.asked.lock().unwrap().ask(file, &told);
        let head = format!("{line} HTTP/1.1\r\n{CREDENTIALS}\r\nContent-Type: application/json\r\n");
        let answer = self.answer_to(&head, body.as_bytes(), random);
        let mut asked = self.asked.lock().unwrap();
        match answer {
            Some(answer) if answer.status < 300 => asked.acknowledge(file, &told),
            Some(answer) => panic!("{line}: {} {}", answer.status, answer.text()),
            None => asked.broken_off += 1,
        }
    }

    /// Asks any node that takes connections. `None`: it was killed before it had answered.
    fn answer_to(&self, head: &str, body: &[u8], random: &mut Random) -> Option<Answer> {
        let began = Instant::now();
        let mut stream = loop {
            let node = self.nodes[random.below(self.nodes.len())].lock().unwrap().clone();
            if let Ok(stream) = TcpStream::connect(node) {
                break stream;
            }
            assert!(began.elapsed() < PATIENCE, "no node takes connections");
            sleep(Duration::from_millis(5));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let head = format!("{head}Host: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
        let answer = read_answer(&mut stream).ok()?;
        // It may have been cut off in its middle.
        serde_json::from_slice::<Value>(&answer.body).ok()?;
        Some(answer)
    }
}
