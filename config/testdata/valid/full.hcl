credsync {
  required_version = ">= 0.1.0"
  project          = "payments"
  schedule         = "*/10 * * * *"
}

variable "cities" {
  type    = map(object({ name = string, limit = optional(number, 3) }))
  default = { almaty = { name = "Almaty" }, astana = { name = "Astana" } }
}

variable "nothing" {
  type     = string
  default  = null
  nullable = true
}

locals {
  late = "${local.ns}-x"
  ns   = "shop"
  pins = data.vault.accounts.pin
}

sink "vault" "main" {
  address = "https://vault.internal:8200"
  auth "kubernetes" {
    role = "credsync"
  }
}

sink "file" "each" {
  for_each = toset(["a", "b"])
  dir      = each.key
}

state "vault" "main" {
  path = "credsync/${local.ns}"
}

data "vault" "accounts" {
  sink = "main"
  path = "inputs"
}

account "bank" "branch" {
  for_each = var.cities
  username = "${each.key}-${each.value.limit}"
  password = env("BANK_PASSWORD")
  pin      = local.pins

  dynamic "deliver" {
    for_each = toset(["a", "b"])
    labels   = ["file", "each[\"${deliver.value}\"]"]
    content {
      path = "${each.key}/${deliver.key}"
      data = {
        TOKEN = "${deliver.key}:${token.access_token}"
        names = [for c in token.customers : c.name]
      }
    }
  }

  deliver "vault" "main" {
    path = "${local.late}/${each.key}/${account.name}"
  }
}

moved {
  from = account.bank.office
  to   = account.bank.branch
}

import {
  to           = account.bank.branch["almaty"]
  access_token = env("BANK_PASSWORD")
  expires_at   = "2026-01-31T15:04:05Z"
  outputs      = { group_id = "12" }
}
