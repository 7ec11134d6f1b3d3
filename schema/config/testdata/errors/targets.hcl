sink "vault" "main" {
  address = "https://vault.internal"
}

account "bank" "a" {
  username = "u"
  password = "p"
  deliver "vault" "main" {
    path = "one"
  }
  deliver "vault" "main" {
    path  = "two"
    merge = true
    data  = { A = token.access_token }
  }
  deliver "vault" "main" {
    path  = "three"
    merge = true
    data  = { A = token.access_token }
  }
}

account "bank" "b" {
  username = "u"
  password = "p"
  deliver "vault" "main" { # ERROR: account.bank.a and account.bank.b would both write secret/one of sink vault.main: here, and at testdata/errors/targets.hcl:8,3
    path = "one"
  }
  deliver "vault" "main" { # ERROR: would both write the key "A" of secret/two
    path  = "two"
    merge = true
    data  = { A = token.access_token }
  }
  deliver "vault" "main" {
    path  = "three"
    merge = true
    data  = { B = token.access_token }
  }
}
