"""What MINGUS says, in other languages: `<language>/LC_MESSAGES/messages.po`, brought up to date by `make texts`."""
