using System.Text.Json;

namespace CertAuthority.Protocol;

/// <summary>Creates all resources of a file, or of several, or none of them.</summary>
/// <param name="Content">
/// The bytes of the file: YAML or JSON, with one or more documents. The daemon parses them, so that faults are worded the same everywhere.
/// </param>
/// <param name="File">The name of the file in faults.</param>
/// <param name="Force">Whether to replace existing resources.</param>
/// <param name="DropUnenforceable">
/// Whether to leave out restrictions that cannot be enforced here, with a warning each, instead of rejecting them.
/// </param>
/// <param name="Edits">The only resource that the file may contain, <c>role/dba</c>, if it is the edited form of one; null for any.</param>
/// <param name="Revision">The revision that the edit started from, whatever the file says; null to use the file's.</param>
/// <param name="More">More files, which belong to the same change; null for none.</param>
/// <param name="Mirror">
/// Whether the files are how things should be: existing resources are replaced, whatever revision the files name, and those that are like
/// their files already are not written.
/// </param>
/// <param name="Prune">
/// Whether to remove the roles, users and nodes that the files lack, of each kind that they have; with <paramref name="Mirror"/> only.
/// Users from groups and hosts that the daemon writes to stay.
/// </param>
/// <param name="DryRun">Whether only to return what would be done and taken away.</param>
public sealed record ApplyResources(
    byte[] Content, string File, bool Force = false, bool DropUnenforceable = false, string? Edits = null, string? Revision = null,
    ResourceFile[]? More = null, bool Mirror = false, bool Prune = false, bool DryRun = false);

/// <summary>A file with resources.</summary>
/// <param name="Content">The bytes of the file.</param>
/// <param name="File">The name of the file in faults.</param>
public sealed record ResourceFile(byte[] Content, string File);

/// <summary>The result, one line for each resource.</summary>
/// <param name="Done">The messages: <c>role 'dba' has been created</c>.</param>
/// <param name="Warnings">Warnings about accepted content.</param>
/// <param name="Revoked">The serials of the certificates that the new policy would not issue.</param>
/// <param name="Ended">The IDs of the requests that were approved for a role before it changed.</param>
/// <param name="Resources">The resources, for programs.</param>
/// <param name="Losses">In a dry run: who would lose certificates and requests, sorted by name; null otherwise.</param>
public sealed record AppliedResources(
    string[] Done, string[] Warnings, string[] Revoked, string[] Ended, AppliedResource[] Resources, UserLoss[]? Losses = null);

/// <summary>What was done with a resource.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Name">Its name.</param>
/// <param name="What"><c>created</c>, <c>updated</c>, <c>unchanged</c> or <c>removed</c>.</param>
/// <param name="Changes">In a dry run: the fields that differ.</param>
/// <param name="ChangesLeftOut">How many more fields differ than <paramref name="Changes"/> can hold; null for none.</param>
public sealed record AppliedResource(
    string Kind, string Name, string What, AuditChange[]? Changes = null, int? ChangesLeftOut = null);

/// <summary>The values of <see cref="AppliedResource.What"/>.</summary>
public static class AppliedStates
{
    /// <summary>It did not exist.</summary>
    public const string Created = "created";

    /// <summary>It existed, and was replaced.</summary>
    public const string Updated = "updated";

    /// <summary>It is like its file already, and was not written.</summary>
    public const string Unchanged = "unchanged";

    /// <summary>It was removed.</summary>
    public const string Removed = "removed";
}

/// <summary>What a user would lose by a change.</summary>
/// <param name="User">The name of the user.</param>
/// <param name="Certificates">How many live certificates would be revoked.</param>
/// <param name="Requests">How many requests would end.</param>
public sealed record UserLoss(string User, int Certificates, int Requests);

/// <summary>Reads resources.</summary>
/// <param name="Kind">
/// <c>role</c>, <c>user</c>, <c>node</c> or <c>lock</c>; <c>all</c> for every kind, roles first, in an order in which they can be created.
/// </param>
/// <param name="Name">The name of one resource; null for all.</param>
/// <param name="FromGroups">
/// With <c>user</c>: whether to include users that come from groups and have no resource. Each has <c>metadata.from_groups</c>, and cannot
/// be used as input.
/// </param>
public sealed record GetResources(string Kind, string? Name = null, bool FromGroups = false);

/// <summary>Resources in the form used in files.</summary>
/// <param name="Resources">The resources, sorted by name.</param>
public sealed record ResourceList(JsonElement[] Resources);

/// <summary>Removes a resource, and revokes certificates that the policy would not issue without it.</summary>
/// <param name="Kind"><c>role</c>, <c>user</c>, <c>node</c> or <c>lock</c>.</param>
/// <param name="Name">The name of the resource.</param>
/// <param name="Force">Whether to remove also a role that users hold; they lose it.</param>
public sealed record RemoveResource(string Kind, string Name, bool Force = false);

/// <summary>Changes lists of a user; a null list stays unchanged.</summary>
/// <param name="Name">The name of the user.</param>
/// <param name="Roles">The whole new list of roles; <c>none</c> alone removes every role.</param>
/// <param name="Logins">The whole new list of the trait <c>logins</c>.</param>
/// <param name="UnixUsers">The whole new list of accounts.</param>
public sealed record UpdateUser(string Name, string[]? Roles = null, string[]? Logins = null, string[]? UnixUsers = null);

/// <summary>Lists the kinds of resources.</summary>
public sealed record ListKinds;

/// <summary>The kinds of resources that the daemon has.</summary>
/// <param name="Kinds">The kinds, in an order in which their resources can be created.</param>
public sealed record KindList(ResourceKindInfo[] Kinds);

/// <summary>A kind of resources.</summary>
/// <param name="Name">The name, as in the field <c>kind</c> of files.</param>
/// <param name="Columns">The columns that a list shows for each resource, the name first.</param>
public sealed record ResourceKindInfo(string Name, ResourceColumn[] Columns);

/// <summary>A column of a list of resources.</summary>
/// <param name="Header">The header of the column.</param>
/// <param name="Path">The path of the member in the resource: <c>spec.roles</c>.</param>
/// <param name="WhereAny">Whether a list has the column only if one of its resources has the member.</param>
public sealed record ResourceColumn(string Header, string Path, bool? WhereAny = null);
