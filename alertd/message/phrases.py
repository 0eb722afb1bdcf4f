"""What an AWS action is in words, by service and name: what was done, and what it is to do it."""

from typing import NamedTuple


class Phrase(NamedTuple):
    done: str  # Root …
    to_do: str  # Root failed to …
    whom: tuple[str, str] | None = None  # words and the request's parameter that say whom it is about, if it is there


_FOR_USER = ("for user", "userName")  # else the key or password is root's own: another matter

PHRASES = {
    "signin:ConsoleLogin": Phrase("signed in to the AWS console", "sign in to the AWS console"),
    "signin:CheckMfa": Phrase("was asked for a second factor", "be asked for a second factor"),
    "signin:PasswordRecoveryRequested": Phrase("asked for password recovery", "ask for password recovery"),
    "signin:PasswordRecoveryCompleted": Phrase("recovered the password", "recover the password"),
    "signin:PasswordUpdated": Phrase("changed the password", "change the password"),
    "signin:EmailUpdated": Phrase("changed the e-mail address", "change the e-mail address"),
    "account:StartPrimaryEmailUpdate": Phrase(
        "began to change the e-mail address", "begin to change the e-mail address"
    ),
    "account:AcceptPrimaryEmailUpdate": Phrase("changed the e-mail address", "change the e-mail address"),
    "account:PutContactInformation": Phrase("changed the contact information", "change the contact information"),
    "account:PutAlternateContact": Phrase("changed an alternate contact", "change an alternate contact"),
    "account:CloseAccount": Phrase("closed the account", "close the account"),
    "iam:CreateAccessKey": Phrase("created an access key", "create an access key", _FOR_USER),
    "iam:UpdateAccessKey": Phrase("changed an access key", "change an access key", _FOR_USER),
    "iam:DeleteAccessKey": Phrase("deleted an access key", "delete an access key", _FOR_USER),
    "iam:CreateLoginProfile": Phrase("set a console password", "set a console password", _FOR_USER),
    "iam:UpdateLoginProfile": Phrase("changed a console password", "change a console password", _FOR_USER),
    "iam:DeleteLoginProfile": Phrase("deleted a console password", "delete a console password", _FOR_USER),
    "iam:DeactivateMFADevice": Phrase("deactivated an MFA device", "deactivate an MFA device"),
    "iam:DeleteVirtualMFADevice": Phrase("deleted an MFA device", "delete an MFA device"),
    "iam:CreateVirtualMFADevice": Phrase("created an MFA device", "create an MFA device"),
    "iam:EnableMFADevice": Phrase("enabled an MFA device", "enable an MFA device"),
    "iam:ResyncMFADevice": Phrase("resynchronised an MFA device", "resynchronise an MFA device"),
    "iam:EnableOrganizationsRootSessions": Phrase(
        "allowed root sessions in member accounts", "allow root sessions in member accounts"
    ),
    "iam:DisableOrganizationsRootSessions": Phrase(
        "ended root sessions in member accounts", "end root sessions in member accounts"
    ),
    "iam:EnableOrganizationsRootCredentialsManagement": Phrase(
        "took over the root credentials of member accounts", "take over the root credentials of member accounts"
    ),
    "iam:DisableOrganizationsRootCredentialsManagement": Phrase(
        "gave back the root credentials of member accounts", "give back the root credentials of member accounts"
    ),
    "sts:AssumeRoot": Phrase("took a root session", "take a root session", ("in account", "targetPrincipal")),
    "sts:GetFederationToken": Phrase("made a federation token", "make a federation token"),
    "organizations:CloseAccount": Phrase("closed a member account", "close a member account"),
    "organizations:LeaveOrganization": Phrase("left the organisation", "leave the organisation"),
    "organizations:RemoveAccountFromOrganization": Phrase(
        "removed an account from the organisation", "remove an account from the organisation"
    ),
    "organizations:DeleteOrganization": Phrase("deleted the organisation", "delete the organisation"),
    "supportplans:StartSupportPlanUpdate": Phrase("changed the support plan", "change the support plan"),
    "supportplans:CreateSupportPlanSchedule": Phrase(
        "scheduled a change of the support plan", "schedule a change of the support plan"
    ),
    "support:CreateCase": Phrase("opened a support case", "open a support case"),
    "support:AddCommunicationToCase": Phrase("wrote to a support case", "write to a support case"),
    "support:ResolveCase": Phrase("closed a support case", "close a support case"),
    "route53domains:TransferDomain": Phrase("transferred a domain to this account", "transfer a domain"),
    "route53domains:TransferDomainToAnotherAwsAccount": Phrase(
        "transferred a domain to another account", "transfer a domain to another account"
    ),
    "route53domains:AcceptDomainTransferFromAnotherAwsAccount": Phrase(
        "accepted a domain from another account", "accept a domain from another account"
    ),
    "route53domains:CancelDomainTransferToAnotherAwsAccount": Phrase(
        "cancelled a domain transfer", "cancel a domain transfer"
    ),
    "route53domains:RejectDomainTransferFromAnotherAwsAccount": Phrase(
        "rejected a domain transfer", "reject a domain transfer"
    ),
    "route53domains:DisableDomainTransferLock": Phrase(
        "removed a domain's transfer lock", "remove a domain's transfer lock"
    ),
    "route53domains:EnableDomainTransferLock": Phrase("set a domain's transfer lock", "set a domain's transfer lock"),
    "route53domains:RetrieveDomainAuthCode": Phrase(
        "read a domain's transfer password", "read a domain's transfer password"
    ),
    "route53domains:DeleteDomain": Phrase("deleted a domain", "delete a domain"),
    "s3:PutBucketPolicy": Phrase("changed a bucket policy", "change a bucket policy"),
    "s3:DeleteBucketPolicy": Phrase("deleted a bucket policy", "delete a bucket policy"),
    "cloudtrail:StopLogging": Phrase("stopped a CloudTrail trail", "stop a CloudTrail trail"),
    "cloudtrail:DeleteTrail": Phrase("deleted a CloudTrail trail", "delete a CloudTrail trail"),
    "cloudtrail:UpdateTrail": Phrase("changed a CloudTrail trail", "change a CloudTrail trail"),
    "cloudtrail:PutEventSelectors": Phrase(
        "changed what a CloudTrail trail records", "change what a CloudTrail trail records"
    ),
    "cloudtrail:PutInsightSelectors": Phrase(
        "changed what a CloudTrail trail finds unusual", "change what a CloudTrail trail finds unusual"
    ),
    "cloudtrail:StopEventDataStoreIngestion": Phrase(
        "stopped a CloudTrail event data store", "stop a CloudTrail event data store"
    ),
    "cloudtrail:DeleteEventDataStore": Phrase(
        "deleted a CloudTrail event data store", "delete a CloudTrail event data store"
    ),
    "guardduty:UpdateDetector": Phrase("changed a GuardDuty detector", "change a GuardDuty detector"),
    "guardduty:DeleteDetector": Phrase("deleted a GuardDuty detector", "delete a GuardDuty detector"),
    "config:StopConfigurationRecorder": Phrase("stopped AWS Config", "stop AWS Config"),
    "config:DeleteConfigurationRecorder": Phrase("deleted AWS Config's recorder", "delete AWS Config's recorder"),
    "config:DeleteDeliveryChannel": Phrase(
        "deleted where AWS Config delivers to", "delete where AWS Config delivers to"
    ),
    "access-analyzer:DeleteAnalyzer": Phrase("deleted an access analyzer", "delete an access analyzer"),
    "securityhub:DisableSecurityHub": Phrase("switched off Security Hub", "switch off Security Hub"),
    "ec2:DeleteFlowLogs": Phrase("deleted flow logs", "delete flow logs"),
}
