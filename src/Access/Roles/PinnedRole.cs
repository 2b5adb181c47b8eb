namespace CertAuthority.Access.Roles;

/// <summary>A role at one revision: what a request asked for, or was granted, is that and nothing that later bears the name.</summary>
public sealed record PinnedRole(Guid Id, string Name, long Revision);
