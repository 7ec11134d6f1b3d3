account "bank" "a" {
  username = "u"
  password = "p"
  base_url = "http://bank.example.com" # ERROR: set allow_plain_http = true
}

account "bank" "b" {
  username = "u"
  password = "p"
  base_url = "https://u:p@bank.example.com" # ERROR: must not contain a user or a password
}

account "bank" "c" {
  username = "u"
  password = "p"
  base_url = "https://bank.example.com?key=1" # ERROR: must not contain a query
}

account "bank" "d" {
  username = "u"
  password = "p"
  base_url = "bank.example.com" # ERROR: must be an absolute URL
}

account "bank" "e" {
  username = "u"
  password = "p"
  base_url = "http://127.0.0.1:8080"
}

account "bank" "f" {
  username = "u"
  password = "p"
  base_url = "http://bank.example.com"
  http {
    allow_plain_http = true
  }
}
