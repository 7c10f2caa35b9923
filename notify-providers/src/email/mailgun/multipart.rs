//! A form with files in it (RFC 7578), and one without.

use std::sync::Arc;

use crate::http::Call;
use crate::signature::encoding::{hex, sha256};

/// The fields of a call; it has files or not.
#[derive(Default)]
pub(super) struct Fields {
    pairs: Vec<(String, String)>,
    files: Vec<File>,
}

struct File {
    field: &'static str,
    name: String,
    media_type: String,
    data: Arc<[u8]>,
}

impl Fields {
    pub(super) fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.pairs.push((name.into(), value.into()));
    }

    pub(super) fn add_file(
        &mut self,
        field: &'static str,
        name: &str,
        media_type: &str,
        data: &Arc<[u8]>,
    ) {
        self.files.push(File {
            field,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            data: Arc::clone(data),
        });
    }

    /// A plain form if there are no files, which is smaller, else one of several parts.
    pub(super) fn put_into(self, call: Call) -> Call {
        if self.files.is_empty() {
            return call.form(self.pairs);
        }
        let parts = self.parts();
        // A text cannot hold its own hash: no part holds the line that ends it.
        let hash = sha256(
            &parts
                .iter()
                .flat_map(|(_, data)| data.iter().copied())
                .collect::<Vec<_>>(),
        );
        let boundary = hex(&hash.as_ref()[..16]);
        let mut body = Vec::new();
        for (head, data) in &parts {
            body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
            body.extend_from_slice(data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        call.bytes(&format!("multipart/form-data; boundary={boundary}"), body)
    }

    /// The head and the data of each part.
    fn parts(&self) -> Vec<(String, &[u8])> {
        let pairs = self.pairs.iter().map(|(name, value)| {
            let head = format!("Content-Disposition: form-data; name=\"{}\"", escaped(name));
            (head, value.as_bytes())
        });
        let files = self.files.iter().map(|file| {
            let head = format!(
                "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}",
                file.field,
                escaped(&file.name),
                file.media_type,
            );
            (head, &*file.data)
        });
        pairs.chain(files).collect()
    }
}

/// What cannot stand in a parameter is encoded as browsers do (WHATWG HTML, multipart/form-data).
fn escaped(text: &str) -> String {
    text.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_part() {
        let mut fields = Fields::default();
        fields.add("v:a\"\r\nX: b", "c");
        let data: Arc<[u8]> = Arc::from(*b"d");
        fields.add_file("attachment", "e\"\r\nf", "text/plain", &data);
        let parts = fields.parts();
        assert_eq!(
            parts[0].0,
            "Content-Disposition: form-data; name=\"v:a%22%0D%0AX: b\""
        );
        assert!(parts[1].0.contains("filename=\"e%22%0D%0Af\""));
    }
}
