account "bank" "declared" {
  username = "u"
  password = "p"
}

# Two accounts that are exchanged have to be there.
moved {
  from = account.bank.declared
  to   = account.bank.missing
}

moved {
  from = account.bank.missing # ERROR: Moved in a circle; account.bank.missing and account.bank.declared are moved to each other (testdata/errors/movedcircle.hcl:8,10), which exchanges two accounts, but account.bank.missing is not declared. Declare it, or take one of the blocks out.
  to   = account.bank.declared
}

moved {
  from = account.bank.x # ERROR: The moved blocks lead round: account.bank.x → account.bank.y → account.bank.z → account.bank.x. Only two accounts can be exchanged; take one of the blocks out.
  to   = account.bank.y
}

moved {
  from = account.bank.y # ERROR: The moved blocks lead round: account.bank.y → account.bank.z
  to   = account.bank.z
}

moved {
  from = account.bank.z # ERROR: The moved blocks lead round: account.bank.z → account.bank.x
  to   = account.bank.x
}
