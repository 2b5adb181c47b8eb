using System.Collections.Immutable;

namespace CertAuthority.Access.Values;

/// <summary>An action that would help against a refusal, as a closed set. Each program turns it into a command of its own.</summary>
public abstract record Remedy
{
    private Remedy()
    {
    }

    /// <summary>Log in with an approved request.</summary>
    /// <param name="Request">Its ID.</param>
    public sealed record LogInWith(Guid Request) : Remedy;

    /// <summary>Log in with a security key that verifies its user.</summary>
    public sealed record UseSecurityKey : Remedy;

    /// <summary>Choose the user to act as.</summary>
    /// <param name="Users">The names of the users that the caller can act as.</param>
    public sealed record ChooseUser(ImmutableArray<string> Users) : Remedy;

    /// <summary>Request other roles.</summary>
    /// <param name="Roles">The names of the roles that the user can request.</param>
    public sealed record ChooseRoles(ImmutableArray<string> Roles) : Remedy;

    /// <summary>Request the same roles once more.</summary>
    /// <param name="Roles">Their names.</param>
    public sealed record RequestRolesAgain(ImmutableArray<string> Roles) : Remedy;

    /// <summary>Request the same nodes once more.</summary>
    /// <param name="Nodes">Their names.</param>
    public sealed record RequestNodesAgain(ImmutableArray<string> Nodes) : Remedy;

    /// <summary>Search the nodes that the user can request.</summary>
    public sealed record SearchNodes : Remedy;

    /// <summary>List the nodes within reach.</summary>
    public sealed record ListNodes : Remedy;

    /// <summary>Give a reason.</summary>
    /// <param name="Prompts">The texts by which the user's roles ask for the reason; may be empty.</param>
    public sealed record GiveReason(ImmutableArray<string> Prompts) : Remedy;

    /// <summary>Wait for the answer to a request.</summary>
    /// <param name="Request">Its ID.</param>
    public sealed record WaitFor(Guid Request) : Remedy;

    /// <summary>Wait for the answer to a request for the same, or file it again.</summary>
    /// <param name="Request">The ID of the request that is pending.</param>
    public sealed record WaitForSame(Guid Request) : Remedy;

    /// <summary>Cancel a pending request.</summary>
    public sealed record CancelRequest : Remedy;

    /// <summary>An administrator adds a user for an account.</summary>
    /// <param name="Account">The name of the account, or its uid.</param>
    public sealed record AddUser(string Account) : Remedy;

    /// <summary>An administrator changes which roles a user holds.</summary>
    /// <param name="User">The name of the user.</param>
    public sealed record AssignRoles(string User) : Remedy;

    /// <summary>An administrator sets the traits of a user.</summary>
    /// <param name="User">The name of the user.</param>
    public sealed record SetTraits(string User) : Remedy;

    /// <summary>An administrator files the request.</summary>
    /// <param name="User">The name of the user.</param>
    public sealed record FileRequest(string User) : Remedy;

    /// <summary>An administrator approves a request although a role in it has changed.</summary>
    /// <param name="Request">Its ID.</param>
    public sealed record ApproveAnyway(Guid Request) : Remedy;

    /// <summary>An administrator lifts a lock.</summary>
    /// <param name="Lock">The name of the lock.</param>
    public sealed record Unlock(string Lock) : Remedy;

    /// <summary>An administrator revokes the certificates of a user.</summary>
    /// <param name="User">The name of the user.</param>
    public sealed record RevokeCertificates(string User) : Remedy;
}
