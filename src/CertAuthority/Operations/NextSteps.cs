using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Operations;

/// <summary>Converts suggestions from the form of the rules to the form of the protocol.</summary>
internal static class NextSteps
{
    /// <summary>Returns what would help against a refusal, the best first.</summary>
    public static NextStep[] From(Refusal refusal) =>
        [
            .. refusal.Misspelt is (var name, var known) ? Meant(name, known) : [],
            .. refusal.Remedy is { } remedy ? [From(remedy)] : (NextStep[])[],
        ];

    /// <summary>Returns the name that is spelt much like one that does not exist, if there is one.</summary>
    public static IEnumerable<NextStep> Meant(string name, IEnumerable<string> known) =>
        Nearest(name, known) is { } meant ? [new NextStep.Meant(meant)] : [];

    /// <summary>Returns the same name, for a sentence; null if there is none.</summary>
    public static string? Nearest(string name, IEnumerable<string> known) =>
        Spelling.Nearest(name, known.Where(one => Letters(one) != Letters(name)));

    // db1 is not db2 misspelt.
    private static string Letters(string name) => string.Concat(name.Where(c => !char.IsAsciiDigit(c)));

    /// <summary>Converts the remedy for a refusal to a step of the protocol.</summary>
    public static NextStep From(Remedy remedy) => remedy switch
    {
        Remedy.LogInWith(var request) => new NextStep.LogIn([$"{request}"]),
        Remedy.UseSecurityKey => new NextStep.UseSecurityKey(),
        Remedy.ChooseUser(var users) => new NextStep.ChooseUser([.. users]),
        Remedy.ChooseRoles(var roles) => new NextStep.ChooseRoles([.. roles]),
        Remedy.RequestRolesAgain(var roles) => new NextStep.RequestAgain(Roles: [.. roles]),
        Remedy.RequestNodesAgain(var nodes) => new NextStep.RequestAgain(Nodes: [.. nodes]),
        Remedy.SearchNodes => new NextStep.SearchNodes(),
        Remedy.ListNodes => new NextStep.List(NextStep.List.Node),
        Remedy.GiveReason(var prompts) => new NextStep.GiveReason([.. prompts]),
        Remedy.WaitFor(var request) => new NextStep.WaitForRequest($"{request}"),
        Remedy.WaitForSame(var request) => new NextStep.WaitForSameRequest($"{request}"),
        Remedy.CancelRequest => new NextStep.CancelRequest(),
        Remedy.AddUser(var account) => new NextStep.AddUser(Account: account),
        Remedy.AssignRoles(var user) => new NextStep.AssignRoles(user),
        Remedy.SetTraits(var user) => new NextStep.SetTraits(user),
        Remedy.FileRequest(var user) => new NextStep.FileRequest(user),
        Remedy.ApproveAnyway(var request) => new NextStep.ApproveAnyway($"{request}"),
        Remedy.Unlock(var name) => new NextStep.Unlock(name),
        Remedy.RevokeCertificates(var user) => new NextStep.Revoke(user),
        _ => throw new ArgumentException($"{remedy} has no step", nameof(remedy)),
    };
}
