sink "vault" "main" {
  address = "https://vault.internal"
}

state "vault" "main" { # ERROR: Invalid state block; path: "/absolute" must not begin with a slash.
  path = "/absolute"
}
