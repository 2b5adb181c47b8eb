namespace CertAuthority.Access.Users;

/// <summary>One of the forms in which a person appears: a user, an account, or a uid.</summary>
public readonly record struct Alias
{
    private readonly Guid? user;
    private readonly string? account;
    private readonly Uid? uid;

    private Alias(Guid? user, string? account, Uid? uid)
    {
        this.user = user;
        this.account = account;
        this.uid = uid;
    }

    /// <summary>A user, by the immutable id.</summary>
    public static Alias User(Guid id) => new(id, null, null);

    /// <summary>An account, by its name.</summary>
    public static Alias Account(string name) => new(null, name, null);

    /// <summary>A uid, whether or not an account has it.</summary>
    public static Alias Uid(Uid uid) => new(null, null, uid);

    /// <summary>The uid, if the alias is one.</summary>
    public Uid? Number => uid;

    /// <summary>The account's name, if the alias is an account.</summary>
    public string? Name => account;

    /// <summary>The user's ID, if the alias is a user.</summary>
    public Guid? Id => user;

    /// <inheritdoc/>
    public override string ToString() => user?.ToString() ?? account ?? $"uid {uid}";
}
