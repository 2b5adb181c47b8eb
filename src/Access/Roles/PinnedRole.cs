namespace CertAuthority.Access.Roles;

/// <summary>A role at one revision. A request asks for and grants exactly this role, never a later one with the same name.</summary>
public sealed record PinnedRole(Guid Id, string Name, long Revision);
