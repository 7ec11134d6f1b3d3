notify "pager" "oncall" { # ERROR: There is no notify type "pager". The only type is "webhook".
  url = "https://hooks.example.com/x"
}

notify "webhook" "plain" {
  url = "http://hooks.example.com/x" # ERROR: url: must begin with https://
}

notify "webhook" "words" {
  url            = "ftp:receiver" # ERROR: must be an absolute URL that begins with https://
  on             = ["blocked", "expirng"] # ERROR: may have only "blocked", "failing", "expiring", "recovered", not "expirng". Did you mean "expiring"?
  after_failures = 0 # ERROR: must be a whole number from 1 to 1000
  timeout        = "1h" # ERROR: is out of range
  body           = token.access_token # ERROR: "token" can be used only inside a deliver block
}

notify "webhok" "typo" { # ERROR: There is no notify type "webhok". Did you mean "webhook"?
  url = "https://hooks.example.com/x"
}

notify "webhook" "misspelt" {
  url  = "https://hooks.example.com/x"
  body = { text = event.sumary } # ERROR: An event has no attribute "sumary". Did you mean "summary"? It has address, contact, deadline,
}

notify "webhook" "null" {
  url = "https://hooks.example.com/x"
  on  = [null] # ERROR: has an element that is null
}

notify "webhook" "twice" {
  url = "https://hooks.example.com/x"
}

notify "webhook" "twice" { # ERROR: was already declared at
  url = "https://hooks.example.com/x"
}

locals {
  x = event.kind # ERROR: "event" can be used only in the body argument of a notify block
}
