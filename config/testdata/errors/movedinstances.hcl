account "bank" "shop" {
  for_each = toset(["almaty", "astana"])
  username = each.key
  password = "p"
}

moved {
  from = account.bank.shop["astana"] # ERROR: Account to move is still declared; account.bank.shop["astana"] is declared at testdata/errors/movedinstances.hcl:1,1, so its record stays with it and cannot go to account.bank.shop["aktau"]. Take that account out if this is what it is called now, or take this moved block out.
  to   = account.bank.shop["aktau"] # ERROR: The account is moved to nothing; There is no account.bank.shop["aktau"] in the configuration, nor does another moved block go on from there. The for_each of the block at testdata/errors/movedinstances.hcl:1,1 has no such key. If the account was removed since, take this block out.
}

moved {
  from = account.bank.past
  to   = account.bank.shop["aktobe"] # ERROR: The account is moved to nothing; There is no account.bank.shop["aktobe"] in the configuration, nor does another moved block go on from there. The for_each of the block at testdata/errors/movedinstances.hcl:1,1 has no such key. If the account was removed since, take this block out.
}

moved {
  from = account.bank.one
  to   = account.bank.shop["Almaty"] # ERROR: The account is moved to nothing; There is no account.bank.shop["Almaty"] in the configuration, nor does another moved block go on from there. Did you mean account.bank.shop["almaty"]? If the account was removed since, take this block out.
}

# An instance becomes a block, and a block an instance.
moved {
  from = account.bank.kiosk["x"]
  to   = account.bank.shop # ERROR: The account is moved to nothing; There is no account.bank.shop in the configuration, nor does another moved block go on from there. The block at testdata/errors/movedinstances.hcl:1,1 has for_each: name an instance, such as account.bank.shop["almaty"]. If the account was removed since, take this block out.
}

# An account that was removed later, as a whole and with its instances.
moved {
  from = account.bank.stores
  to   = account.bank.kiosks
}
