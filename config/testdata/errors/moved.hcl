locals {
  shops = toset(["almaty", "astana"])
}

account "bank" "a" {
  username = "u"
  password = "p"
}

account "bank" "b" {
  username = "u"
  password = "p"
}

account "bank" "shop" {
  for_each = local.shops
  username = each.key
  password = "p"
}

moved { # ERROR: The argument "from" is required in the moved block
  to = account.bank.a
}

moved { # ERROR: The argument "to" is required in the moved block
  from = account.bank.old
}

moved {
  from   = account.bank.old
  to     = account.bank.a
  reason = "renamed" # ERROR: reason
}

moved "label" { # ERROR: moved
  from = account.bank.old
  to   = account.bank.a
}

# What is no reference to an account.
moved {
  from = "account.bank.old" # ERROR: from must name an account. Write it as a reference: account.sagi.coffee
  to   = account.bank.a
}

moved {
  from = account.bank.old
  to   = account.bank # ERROR: to must name an account.
}

moved {
  from = account.bank.old.token # ERROR: The key of an instance is a text in double quotes: account.bank.old["almaty"].
  to   = account.bank.a
}

moved {
  from = account.bank.old[0] # ERROR: The key of an instance is a text in double quotes
  to   = account.bank.a
}

moved {
  from = account.bank["old"] # ERROR: from must name an account.
  to   = account.bank.a
}

moved {
  from = account.bank.old["x"]["y"] # ERROR: from must name an account.
  to   = account.bank.a
}

moved {
  from = account.bank.old[each.key] # ERROR: from must name an account.
  to   = account.bank.a
}

moved {
  from = sink.vault.main # ERROR: from must name an account.
  to   = account.bank.a
}

moved {
  from = account.bnak.old # ERROR: There is no provider "bnak". Did you mean "bank"? The providers are "bank", "plain", "static".
  to   = account.bank.a
}

# What cannot be.
moved {
  from = account.bank.a
  to   = account.bank.a # ERROR: from and to are the same address. Take the block out.
}

moved {
  from = account.bank.once
  to   = account.bank.a
}

moved {
  from = account.bank.once # ERROR: Two moved blocks with one from; account.bank.once is moved to account.bank.b here, and to account.bank.a at testdata/errors/moved.hcl:93,10
  to   = account.bank.b
}

moved {
  from = account.bank.twice
  to   = account.bank.a # ERROR: Two moved blocks with one to; account.bank.a goes on with the record of account.bank.twice here, and with that of account.bank.once at testdata/errors/moved.hcl:94,10
}

moved {
  from = account.bank.b # ERROR: Moved from an account that is still there; account.bank.b is moved to account.bank.c here, and is still declared at testdata/errors/moved.hcl:10,1
  to   = account.bank.c
}

moved {
  from = account.bank.shop # ERROR: account.bank.shop is moved to account.bank.stores here, and is still declared at testdata/errors/moved.hcl:15,1
  to   = account.bank.stores
}

# Later than the account there is nothing to move to.
moved {
  from = account.bank.former
  to   = account.bank.gone # ERROR: Moved to an account that is not declared; account.bank.former is moved to account.bank.gone, which the configuration does not have. If that account was removed later, take the block out; else correct the address.
}

moved {
  from = account.static.billing
  to   = account.bank.a # ERROR: account.static.billing and account.bank.a are accounts of different providers, and a token of one is of no use to the other. Take the block out.
}
