//! What people see of the space.

use maud::{Markup, html};

use crate::page::page;
use crate::space::Widget;

/// One message.
pub(crate) struct Said {
    pub(crate) who: String,
    pub(crate) when: String,
    pub(crate) text: String,
    pub(crate) own: bool,
}

/// The space as a plain page: the newest message last, and a field for the next one.
pub(crate) fn view(title: &str, said: &[Said]) -> Markup {
    page(
        title,
        &html! {
            section.card.space {
                h1 #space-title { (title) }
                @if said.is_empty() { p.greeting { "Nobody has said anything yet." } }
                ol.said {
                    @for (index, message) in said.iter().enumerate() {
                        li.own[message.own] id=[(index + 1 == said.len()).then_some("newest")] {
                            p.who { bdi { (message.who) } " · " time datetime=(message.when) { (clock(&message.when)) } }
                            p.text dir="auto" { (message.text) }
                        }
                    }
                }
                form.say method="post" action="/space" {
                    label for="text" { "Your message" }
                    textarea #text name="text" dir="auto" rows="2" maxlength="2000" required {}
                    div.buttons {
                        button.primary #send { "Send" }
                        a.button href="/space" { "Look again" }
                        a.button href="/" { "Back" }
                    }
                }
            }
        },
    )
}

/// The page that Webex's own widget fills.
pub(crate) fn widget(widget: &Widget) -> Markup {
    page(
        "Space",
        &html! {
            section.card.space {
                h1 { "The demo space" }
                p #widget-status role="status" { "Loading the widget of Webex …" }
                div #widget {}
                div.buttons { a.button href="/" { "Back" } }
            }
            link rel="stylesheet" href=(widget.style);
            script src=(widget.script) {}
            script src="/widget.js" {}
        },
    )
}

/// `2026-01-02T03:04:05.678Z` as `03:04`, in the time of the server that said it.
fn clock(written: &str) -> &str {
    written.get(11..16).unwrap_or(written)
}
