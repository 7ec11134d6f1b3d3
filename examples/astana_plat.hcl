# The two ways to log in to Astana-Plat: with login and password, and with a
# client certificate. Only one token of an account works: a login revokes the
# previous one. So credsync logs in only if every target can be written, and
# delivers at once.

credsync {
  project  = "payments"
  schedule = "*/10 * * * *"
}

variable "astana_plat_url" {
  type        = string
  description = "Where the payments service answers, without the path of the login."
}

variable "astana_plat_tls_url" {
  type        = string
  default     = null
  description = "Where it answers those who log in by certificate, if that is elsewhere."
}

variable "astana_plat_login" {
  type = string
}

variable "astana_plat_password" {
  type      = string
  sensitive = true
}

variable "astana_plat_cert_file" {
  type        = string
  default     = "client.crt"
  description = "The client certificate that Astana-Plat issued, in PEM."
}

variable "astana_plat_key_file" {
  type        = string
  default     = "client.key"
  description = "Its private key, in PEM."
}

variable "astana_plat_key_password" {
  type        = string
  sensitive   = true
  default     = null
  description = "The key's password, if it is encrypted."
}

variable "astana_plat_ca_file" {
  type        = string
  default     = null
  description = "The authority of the service's own certificate, if it is not a public one."
}

sink "file" "secrets" {
  dir = "secrets"
}

account "astana_plat" "kiosk" {
  base_url = var.astana_plat_url
  login    = var.astana_plat_login
  password = var.astana_plat_password

  deliver "file" "secrets" {
    path = "kiosk.json"
  }
}

account "astana_plat" "online" {
  base_url  = coalesce(var.astana_plat_tls_url, var.astana_plat_url)
  token_ttl = "1h"

  certificate {
    cert_pem     = file(var.astana_plat_cert_file)
    key_pem      = file(var.astana_plat_key_file)
    key_password = var.astana_plat_key_password
    # Or, from a .p12 or .pfx file:
    #   pkcs12_base64   = filebase64("client.p12")
    #   pkcs12_password = var.astana_plat_key_password
  }

  http {
    ca_pem = var.astana_plat_ca_file == null ? null : file(var.astana_plat_ca_file)
  }

  deliver "file" "secrets" {
    path   = "online.env"
    format = "dotenv"
    data = {
      ASTANA_PLAT_TOKEN = token.access_token
      VALID_UNTIL       = token.expires_at
      RENEW_CERT_BEFORE = token.certificate_expires_at
    }
  }
}
