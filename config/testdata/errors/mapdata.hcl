sink "vault" "main" {
  address = "https://vault.internal"
}

account "bank" "a" {
  username = "u"
  password = "p"

  deliver "vault" "main" {
    path = "a"
    data = tomap({ "A KEY" = "x" }) # ERROR: "A KEY" has a space.
  }

  deliver "vault" "main" {
    path = "b"
    data = tomap({ "" = "x" }) # ERROR: A key of data is empty
  }

  deliver "vault" "main" {
    path = "c"
    data = null # ERROR: The data of a deliver block must not be null.
  }
}

notify "webhook" "a" {
  url  = "https://hooks.example.com/x"
  body = null # ERROR: The body of a notify block must not be null. Leave it out to send { text = event.summary }.
}
