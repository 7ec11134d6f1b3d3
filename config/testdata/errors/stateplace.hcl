sink "vault" "main" {
  address = "https://vault.internal"
}

state "vault" "main" {
  path = "kept"
}

account "bank" "a" {
  username = "u"
  password = "p"
  deliver "vault" "main" { # ERROR: Target inside the state's location; secret/kept/a is inside secret/kept
    path = "kept/a"
  }
  deliver "vault" "main" {
    path = "keptnot/a"
  }
}
