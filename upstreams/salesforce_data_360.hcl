upstream "salesforce_data_360" {
  language = 1
  doc      = "Salesforce Data 360, formerly Data Cloud. An external client app logs in to Salesforce by client credentials, and Salesforce exchanges that access token for one of Data 360. Set `base_url` to the My Domain URL of the org, such as `https://example.my.salesforce.com`."
  source   = "https://developer.salesforce.com/docs/data/data-cloud-dev/guide/dc-quick-start.html and https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm"
  hosts    = ["*.c360a.salesforce.com"]

  attribute "client_id" {
    type = string
    doc  = "The consumer key of the external client app."
  }
  attribute "client_secret" {
    type      = string
    sensitive = true
    doc       = "The consumer secret of the external client app."
  }
  attribute "dataspace" {
    type    = string
    default = null
    doc     = "The data space that the token is for. If not set, it is the default one."
  }

  locals {
    code = try(response.body.error, "")
  }

  login {
    request "salesforce" {
      method   = "POST"
      path     = "/services/oauth2/token"
      username = self.client_id
      password = self.client_secret
      form     = { grant_type = "client_credentials" }
    }
    request "data_360" {
      method = "POST"
      path   = "/services/a360/token"
      form = {
        grant_type         = "urn:salesforce:grant-type:external:cdp"
        subject_token      = responses.salesforce.body.access_token
        subject_token_type = "urn:ietf:params:oauth:token-type:access_token"
        dataspace          = self.dataspace
      }
    }
    access_token = response.body.access_token
    expires_in   = response.body.expires_in
    lifetime     = "2h"
    outputs = {
      # With a scheme or without, as the documents show it.
      host = replace(trimprefix(response.body.instance_url, "https://"), "/", "")
    }
  }

  verify {
    request {
      url    = "https://${token.host}/api/v1/metadata/"
      query  = { entityType = "CalculatedInsight" }
      bearer = token.access_token
    }
  }

  error "client" {
    on      = ["login"]
    when    = contains(["invalid_client_id", "invalid_client"], local.code)
    class   = "credentials"
    message = response.body.error_description
    advice  = "Check the consumer key and the consumer secret of the external client app."
  }
  error "grant" {
    on      = ["login"]
    when    = local.code == "invalid_grant"
    class   = "human"
    reason  = "no_access"
    message = response.body.error_description
    advice  = "Check in the policies of the external client app that the client credentials flow is enabled and has a user to run as."
  }

  output "host" {
    type      = string
    sensitive = false
    doc       = "The host of the tenant, which requests to Data 360 go to."
  }
}
