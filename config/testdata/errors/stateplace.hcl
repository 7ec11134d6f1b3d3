sink "vault" "main" {
  address = "https://vault.internal"
}

state "vault" "main" {
  path = "kept"
}

account "bank" "a" {
  username = "u"
  password = "p"
  deliver "vault" "main" { # ERROR: Target in the place of the state; secret/kept/a would lie in secret/kept
    path = "kept/a"
  }
  deliver "vault" "main" {
    path = "keptnot/a"
  }
}
