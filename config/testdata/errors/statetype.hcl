state "valt" "main" { # ERROR: There is no sink type "valt". Did you mean "vault"?
  path = "x"
}
