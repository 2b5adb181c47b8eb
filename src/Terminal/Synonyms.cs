using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>
/// Other spellings of commands and options: nouns in the other number, and words of Teleport that mean the same. A command line may use
/// them; help does not show them, and completion replaces them with the name.
/// </summary>
internal static class Synonyms
{
    private static readonly (string Name, string[] Others)[] OfCommands =
    [
        ("ls", ["list"]),
        ("show", ["get"]),
        ("get", ["show"]),
        ("request", ["requests"]),
        ("requests", ["request"]),
        ("users", ["user"]),
        ("nodes", ["node"]),
        ("certs", ["cert"]),
    ];

    // The name of an option alone is not enough: --reason of certs revoke is no --request-reason.
    private static readonly (string Command, string Name, string[] Others)[] OfOptions =
    [
        ("login", "--request-roles", ["--roles", "--role"]),
        ("login", "--request-reason", ["--reason"]),
        ("login", "--request-reviewers", ["--reviewers", "--reviewer"]),
        ("login", "--request-nowait", ["--nowait"]),
        ("create", "--roles", ["--role", "--request-roles"]),
        ("create", "--resource", ["--resources"]),
        ("create", "--reason", ["--request-reason"]),
        ("create", "--reviewers", ["--reviewer", "--request-reviewers"]),
        ("create", "--nowait", ["--request-nowait"]),
        ("review", "--roles", ["--role"]),
        ("approve", "--roles", ["--role"]),
        ("add", "--roles", ["--role"]),
        ("add", "--logins", ["--login"]),
        ("lock", "--request", ["--access-request"]),
    ];

    /// <summary>Makes a program accept the other spellings.</summary>
    public static void Accept(Command command) => Each(command, (aliases, other) => aliases.Add(other));

    /// <summary>Takes the other spellings out again, before help is shown.</summary>
    public static void Hide(Command command) => Each(command, (aliases, other) => aliases.Remove(other));

    private static void Each(Command command, Action<ICollection<string>, string> change)
    {
        foreach (var other in OfCommands.Where(row => row.Name == command.Name).SelectMany(row => row.Others))
            change(command.Aliases, other);
        foreach (var option in command.Options)
            foreach (var row in OfOptions.Where(row => (row.Command, row.Name) == (command.Name, option.Name)))
                foreach (var other in row.Others)
                    change(option.Aliases, other);
        foreach (var subcommand in command.Subcommands)
            Each(subcommand, change);
    }
}
