using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary>
/// Writes the next steps that the daemon suggests for an administrator: steps of their own as commands of tctl, the other steps as what a
/// user can do.
/// </summary>
internal static class NextStepText
{
    /// <summary>Returns the step in words, with its command; null for a step that this tctl does not know.</summary>
    public static string? Show(NextStep step) => step switch
    {
        NextStep.Meant(var name) => $"did you mean '{name}'?",
        NextStep.AddUser { Name: { } name } => $"tctl users add {name} --roles=ROLE gives it a resource of its own",
        NextStep.AddUser { Account: var account } => $"add one: tctl users add NAME --roles=ROLE --unix-user={account ?? "ACCOUNT"}",
        NextStep.AssignRoles(var user) => $"take it from them: tctl users update --set-roles=ROLE,ROLE {user}",
        NextStep.SetTraits(var user) => $"set them: tctl users update --set-logins=LOGIN {user}, or spec.traits in tctl edit user/{user}",
        NextStep.FileRequest(var user) => $"file one for them: tctl requests create {user} --roles=ROLE",
        NextStep.ApproveAnyway(var request) =>
            $"look at it, then: tctl requests approve {request} --force; or deny it, and let the requester ask again",
        NextStep.EndRequest(var request) => $"deny it first, or end and remove it: tctl requests rm -f {request}",
        NextStep.Lock(var user) => $"to lock them: tctl lock --user={user}",
        NextStep.Unlock(var name) => $"to lift it: tctl rm lock/{name}",
        NextStep.Revoke(var user) => $"to end them sooner: tctl certs revoke --user={user}",
        NextStep.Create { Replace: true } => "replace it with tctl create -f",
        NextStep.Create => "create it with tctl create",
        NextStep.Edit(var resource) => $"edit it: tctl edit {resource}",
        NextStep.Remove(var resource) => $"or remove it from them too: tctl rm -f {resource}",
        NextStep.DropUnenforceable => "to drop what nobody here can enforce: tctl create --drop-unenforceable",
        NextStep.SignHostKey(var node) => $"have its key signed: tctl auth sign --host={node} KEY.pub",
        NextStep.EnrollNode(var node) => $"to let the daemon in there: tctl nodes enroll {node} --ssh root@HOST",
        NextStep.ExemptDaemon(var node) =>
            $"to exempt this address: tctl nodes enroll {node} --ssh root@HOST again, or PerSourcePenaltyExemptList in its sshd_config",
        NextStep.WatchNodes => "tctl nodes ls shows how it fares",
        NextStep.TakeOverNode(var node) => $"then: tctl nodes sync {node} --take-over",
        NextStep.ConfirmClock => "root there sets it right, or says that it is right: sudo tctl clock accept",
        NextStep.VerifyAudit => "see what does not match: tctl audit verify",
        NextStep.ConfirmHosts(var key, var nodes) =>
            $"once they have it: {Rotate(key)} --confirm={string.Join(',', nodes)}; to leave them behind: --abandon={string.Join(',', nodes)}",
        NextStep.TakeStep(var key) => $"to take a step: {Rotate(key)}",
        NextStep.ShowDaemonStatus => "tctl status says where",
        NextStep.List { Kind: NextStep.List.Certificate } => "tctl certs ls lists them",
        NextStep.List { Kind: NextStep.List.Request } => "tctl requests ls lists them",
        NextStep.List { Kind: NextStep.List.User } => "tctl users ls lists them",
        NextStep.List { Kind: NextStep.List.Node } => "tctl nodes ls lists them",
        NextStep.List { Kind: NextStep.List.AccessReview } => "tctl access review ls lists them",
        NextStep.List(var kind) => $"tctl get {kind} lists them",

        NextStep.LogIn { Requests: [_, ..] requests } =>
            $"the user then logs in with it: tsh login --request-id={string.Join(',', requests)}",
        NextStep.LogIn => "the user logs in: tsh login",
        NextStep.UseSecurityKey => "the user logs in with one: tsh login --key FILE.pub",
        NextStep.ChooseUser(var users) => $"choose one of {string.Join(", ", users)}: tsh login --user=NAME",
        NextStep.ShowMyStatus => "the user sees what they hold: tsh status",
        NextStep.ChooseRoles(var roles) => $"the user can request: {string.Join(", ", roles)}",
        NextStep.RequestRoles(var roles, _) => $"the user asks for it: tsh login --request-roles={string.Join(',', roles)}",
        NextStep.RequestNodes(var nodes, _) => $"the user asks for it: tsh request create --resource={Resources(nodes)}",
        NextStep.RequestAgain { Nodes: [_, ..] nodes } => $"the user asks again: tsh request create --resource={Resources(nodes)}",
        NextStep.RequestAgain { Roles: [_, ..] roles } => $"the user asks again: tsh request create --roles={string.Join(',', roles)}",
        NextStep.RequestAgain => "the user asks again: tsh request create --roles=ROLE",
        NextStep.SearchNodes => "the user sees what they can request: tsh request search",
        NextStep.GiveReason(var prompts) => string.Join("; ", prompts.Prepend("say it with --reason")),
        NextStep.WaitForRequest(var request) => $"to approve it: tctl requests approve {request}",
        NextStep.WaitForSameRequest(var request) => $"to approve it: tctl requests approve {request}; --force files it again",
        NextStep.CancelRequest => "tctl requests ls shows them; the user cancels one: tsh request cancel ID",
        _ => null,
    };

    /// <summary>Returns the command that takes the next step of a rotation.</summary>
    public static string Rotate(string key) => key switch
    {
        "user" => "tctl auth rotate user",
        "host" => "tctl auth rotate host",
        _ => "tctl auth rotate sync",
    };

    private static string Resources(string[] nodes) => string.Join(',', nodes.Select(node => $"node/{node}"));
}
