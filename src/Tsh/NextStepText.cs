using CertAuthority.Protocol;

namespace CertAuthority.Tsh;

/// <summary>
/// Writes the next steps that the daemon suggests for a user: steps of their own as commands of tsh, the other steps as what to ask an
/// administrator for.
/// </summary>
internal static class NextStepText
{
    /// <summary>Returns the step in words, with its command; null for a step that this tsh does not know.</summary>
    /// <param name="step">The step.</param>
    /// <param name="profile">The profile in use, which each command of tsh includes; null for the login without a name.</param>
    public static string? Show(NextStep step, string? profile) => Words(step, profile is null ? "tsh" : $"tsh --profile={profile}");

    private static string? Words(NextStep step, string tsh) => step switch
    {
        NextStep.Meant(var name) => $"did you mean '{name}'?",
        NextStep.LogIn { Requests: [_, ..] requests } => $"then: {tsh} login --request-id={string.Join(',', requests)}",
        NextStep.LogIn { Login: { } login } => $"your roles open {login} there: {tsh} login",
        NextStep.LogIn => $"{tsh} login",
        NextStep.UseSecurityKey => $"make one with ssh-keygen -t ed25519-sk -O verify-required, then: {tsh} login --key FILE.pub",
        NextStep.ChooseUser(var users) => $"choose one with --user: {string.Join(", ", users)}",
        NextStep.ShowMyStatus => $"{tsh} status shows what you hold",
        NextStep.ChooseRoles(var roles) => $"you can request: {string.Join(", ", roles)}",
        NextStep.RequestRoles { Login: { } login, Roles: var roles } =>
            $"{login} there can be requested: {tsh} login --request-roles={string.Join(',', roles)}",
        NextStep.RequestRoles(var roles, _) => $"{tsh} login --request-roles={string.Join(',', roles)}",
        NextStep.RequestNodes { Login: { } login, Nodes: var nodes } =>
            $"{login} there can be requested: {tsh} request create --resource={Resources(nodes)}",
        NextStep.RequestNodes(var nodes, _) => $"{tsh} request create --resource={Resources(nodes)}",
        NextStep.RequestAgain { Nodes: [_, ..] nodes } => $"ask again: {tsh} request create --resource={Resources(nodes)}",
        NextStep.RequestAgain { Roles: [_, ..] roles } => $"ask again: {tsh} request create --roles={string.Join(',', roles)}",
        NextStep.RequestAgain => $"ask again: {tsh} request create --roles=ROLE",
        NextStep.SearchNodes => $"{tsh} request search shows what you can request",
        NextStep.GiveReason(var prompts) => string.Join("; ", prompts.Prepend("say it with --reason (at a login, --request-reason)")),
        NextStep.WaitForRequest(var request) => $"wait for it with {tsh} request show {request} --wait",
        NextStep.WaitForSameRequest(var request) =>
            $"wait for it with {tsh} request show {request} --wait; --force files it again",
        NextStep.CancelRequest => $"{tsh} request ls shows them; {tsh} request cancel ID withdraws one",
        NextStep.List { Kind: NextStep.List.Certificate } => $"{tsh} certs ls lists them",
        NextStep.List { Kind: NextStep.List.Request } => $"{tsh} request ls lists them",
        NextStep.List { Kind: NextStep.List.Role } => $"{tsh} request roles shows what you can request",
        NextStep.List { Kind: NextStep.List.Node } => $"{tsh} ls shows the nodes and logins in your reach",
        NextStep.List { Kind: NextStep.List.User } => "an administrator lists them: tctl users ls",
        NextStep.List(var kind) => $"an administrator lists them: tctl get {kind}",

        NextStep.AddUser { Name: { } name } => $"an administrator adds it: tctl users add {name} --roles=ROLE",
        NextStep.AddUser { Account: var account } =>
            $"an administrator adds one: tctl users add NAME --roles=ROLE --unix-user={account ?? "ACCOUNT"}",
        NextStep.AssignRoles(var user) => $"an administrator creates it, or takes it away: tctl users update --set-roles=ROLE,ROLE {user}",
        NextStep.SetTraits(var user) =>
            $"an administrator sets them: tctl users update --set-logins=LOGIN {user}, or spec.traits in tctl edit user/{user}",
        NextStep.FileRequest(var user) => $"an administrator can file one for you: tctl requests create {user} --roles=ROLE",
        NextStep.ApproveAnyway(var request) => $"an administrator looks at it, then approves it: tctl requests approve {request} --force",
        NextStep.EndRequest(var request) => $"an administrator ends and removes it: tctl requests rm -f {request}",
        NextStep.Lock(var user) => $"an administrator locks the user: tctl lock --user={user}",
        NextStep.Unlock(var name) => $"an administrator lifts it: tctl rm lock/{name}",
        NextStep.Revoke(var user) => $"an administrator ends them sooner with tctl certs revoke --user={user}",
        NextStep.Create { Replace: true } => "an administrator replaces it with tctl create -f",
        NextStep.Create => "an administrator creates it with tctl create",
        NextStep.Edit(var resource) => $"an administrator edits it: tctl edit {resource}",
        NextStep.Remove(var resource) => $"an administrator removes it from everybody: tctl rm -f {resource}",
        NextStep.DropUnenforceable => "an administrator has it dropped: tctl create --drop-unenforceable",
        NextStep.SignHostKey(var node) => $"an administrator has its key signed: tctl auth sign --host={node} KEY.pub",
        NextStep.EnrollNode(var node) => $"an administrator lets the daemon in there: tctl nodes enroll {node} --ssh root@HOST",
        NextStep.ExemptDaemon(var node) => $"an administrator exempts the daemon's address: tctl nodes enroll {node} --ssh root@HOST again",
        NextStep.WatchNodes => "an administrator sees how it fares: tctl nodes ls",
        NextStep.TakeOverNode(var node) => $"then an administrator takes it over: tctl nodes sync {node} --take-over",
        NextStep.VerifyAudit => "an administrator sees what does not match: tctl audit verify",
        NextStep.ConfirmClock => "root there sets it right, or says that it is right: tctl clock accept",
        NextStep.ConfirmHosts or NextStep.TakeStep => "an administrator sees how far it is: tctl auth rotate --status",
        NextStep.ShowDaemonStatus => "an administrator sees where: tctl status",
        _ => null,
    };

    private static string Resources(string[] nodes) => string.Join(',', nodes.Select(node => $"node/{node}"));
}
