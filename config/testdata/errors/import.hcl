variable "token" {
  default   = "a token"
  sensitive = true
}

account "bank" "a" {
  username = "u"
  password = "p"
}

account "bank" "b" {
  username = "u"
  password = "p"
}

account "bank" "c" {
  username = "u"
  password = "p"
}

account "bank" "shop" {
  for_each = toset(["almaty"])
  username = each.key
  password = "p"
}

account "apikey" "billing" {
  token = "t"
}

import { # ERROR: The argument "to" is required in the import block
  access_token = var.token
}

import { # ERROR: The argument "access_token" is required in the import block
  to = account.bank.a
}

import {
  to           = "account.bank.b" # ERROR: Invalid account address; The argument "to" must be an account's address: account.sagi.coffee, or account.sagi.shop["almaty"] for one instance of a for_each. The address is not evaluated, so it cannot contain variables. Write it without quotes.
  access_token = var.token
}

import {
  to           = account.apikey.billing # ERROR: No token to import; Accounts of provider "apikey" have their token in the configuration and no login, so there is nothing to import. Remove this block, and set the token in the account block.
  access_token = var.token
}

import {
  to           = account.bank.shop # ERROR: Import into several accounts; The account block at testdata/errors/import.hcl:21,1 has for_each, so account.bank.shop names several accounts, but a token belongs to one. Name the instance, such as account.bank.shop["almaty"].
  access_token = var.token
}

import {
  to           = account.bank.shop["astana"] # ERROR: Import into an account that is not declared; There is no account.bank.shop["astana"] in the configuration. The for_each of the block at testdata/errors/import.hcl:21,1 has no such key. Declare the account, or correct the address.
  access_token = var.token
}

import {
  to           = account.bank.b["x"] # ERROR: Import into an account that is not declared; There is no account.bank.b["x"] in the configuration. The block at testdata/errors/import.hcl:11,1 has no for_each; its address is account.bank.b. Declare the account, or correct the address.
  access_token = var.token
}

import {
  to           = account.bank.b
  access_token = var.token
}

import {
  to           = account.bank.b # ERROR: Two tokens to import for one account; The import block at testdata/errors/import.hcl:64,1 already has a token for account.bank.b. Remove one of the two blocks.
  access_token = var.token
}

import {
  to           = account.bank.c
  access_token = [var.token] # ERROR: access_token
}

import {
  to           = account.bank.shop["almaty"]
  access_token = var.token
  acess_token  = "x" # ERROR: acess_token
}
