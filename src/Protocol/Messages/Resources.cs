using System.Text.Json;

namespace CertAuthority.Protocol;

/// <summary>Creates every resource of a file, or none.</summary>
/// <param name="Content">
/// The file's bytes: YAML or JSON, several documents if need be. The daemon parses, so faults have one wording.
/// </param>
/// <param name="File">What to call it in faults.</param>
/// <param name="Force">Whether an existing resource is replaced.</param>
/// <param name="DropUnenforceable">
/// Whether restrictions that nobody here can enforce are left out, with a warning each, instead of refused.
/// </param>
/// <param name="Edits">The only resource that the file may hold, <c>role/dba</c>, where it is the edited form of one; null for any.</param>
/// <param name="Revision">The revision it was made from, whatever the file says; null where the file says it.</param>
public sealed record ApplyResources(
    byte[] Content, string File, bool Force = false, bool DropUnenforceable = false, string? Edits = null, string? Revision = null);

/// <summary>What was done, one line a resource.</summary>
/// <param name="Done"><c>role 'dba' has been created</c>.</param>
/// <param name="Warnings">What is accepted but deserves a second look.</param>
/// <param name="Revoked">The serials of the certificates that the new policy would not issue.</param>
/// <param name="Ended">The ids of the requests that were approved for a role as it was.</param>
public sealed record AppliedResources(string[] Done, string[] Warnings, string[] Revoked, string[] Ended);

/// <summary>Reads resources.</summary>
/// <param name="Kind">
/// <c>role</c>, <c>user</c>, <c>node</c> or <c>lock</c>; <c>all</c> for every kind, roles first, in an order in which they can be created.
/// </param>
/// <param name="Name">One of them; null for all.</param>
/// <param name="FromGroups">
/// With <c>user</c>: also those that come from groups and have no resource. Each has <c>metadata.from_groups</c>, and cannot be fed back.
/// </param>
public sealed record GetResources(string Kind, string? Name = null, bool FromGroups = false);

/// <summary>Resources as they would be written in a file.</summary>
/// <param name="Resources">Sorted by name.</param>
public sealed record ResourceList(JsonElement[] Resources);

/// <summary>Removes a resource, and revokes what the policy would not issue without it.</summary>
/// <param name="Kind"><c>role</c>, <c>user</c>, <c>node</c> or <c>lock</c>.</param>
/// <param name="Name">Which.</param>
/// <param name="Force">Also a role that users hold: it is taken from them.</param>
public sealed record RemoveResource(string Kind, string Name, bool Force = false);

/// <summary>Changes lists of a user; what is null stays.</summary>
/// <param name="Name">The user.</param>
/// <param name="Roles">The whole new list of roles; <c>none</c> alone takes every role away.</param>
/// <param name="Logins">The whole new list of the trait <c>logins</c>.</param>
/// <param name="UnixUsers">The whole new list of accounts.</param>
public sealed record UpdateUser(string Name, string[]? Roles = null, string[]? Logins = null, string[]? UnixUsers = null);

/// <summary>Lists the kinds of resources.</summary>
public sealed record ListKinds;

/// <summary>The kinds of resources that the daemon has.</summary>
/// <param name="Kinds">In an order in which their resources can be created.</param>
public sealed record KindList(ResourceKindInfo[] Kinds);

/// <summary>A kind of resources.</summary>
/// <param name="Name">As files have it, in the field <c>kind</c>.</param>
/// <param name="Columns">What a list shows of each resource, first its name.</param>
public sealed record ResourceKindInfo(string Name, ResourceColumn[] Columns);

/// <summary>A column of a list of resources.</summary>
/// <param name="Header">What it shows.</param>
/// <param name="Path">The member of the resource, with the members that it is in: <c>spec.roles</c>.</param>
/// <param name="WhereAny">Whether a list has the column only if one of its resources has the member.</param>
public sealed record ResourceColumn(string Header, string Path, bool? WhereAny = null);
