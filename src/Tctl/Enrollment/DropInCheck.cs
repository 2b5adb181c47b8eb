using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Checks whether the drop-in is in force on a host, and what else can open a login there.</summary>
internal static class DropInCheck
{
    private static readonly (string Setting, string Way)[] OtherWays =
        [("PasswordAuthentication", "passwords"), ("KbdInteractiveAuthentication", "what PAM asks"),
            ("HostbasedAuthentication", "trusted hosts"), ("GSSAPIAuthentication", "Kerberos")];

    /// <summary>Compares the settings that sshd applies with the drop-in.</summary>
    /// <exception cref="FailureException">A line of the drop-in is not in force.</exception>
    /// <returns>One sentence for each setting that leaves another way to log in.</returns>
    /// <param name="forLogins">The settings that sshd applies to a login.</param>
    /// <param name="forOurs">The settings that sshd applies to our own accounts, by the name of the account.</param>
    /// <param name="dropIn">The drop-in.</param>
    public static IReadOnlyList<string> Warnings(SshdSettings forLogins, IReadOnlyDictionary<string, SshdSettings> forOurs, NodeFile dropIn)
    {
        var lines = Encoding.UTF8.GetString(dropIn.Content).Split('\n').Select(line => line.Trim())
            .Where(line => line.Length > 0 && line[0] != '#').ToList();
        ExpectToHold(lines.TakeWhile(line => !IsMatch(line)), forLogins);
        foreach (var (account, settings) in forOurs)
            ExpectToHold(
                lines.SkipWhile(line => line != $"Match User {account}").Skip(1).TakeWhile(line => !IsMatch(line)), settings);
        var warnings = OtherWays.Where(other => forLogins[other.Setting] == "yes")
            .Select(other => $"{other.Way} can still open a login ({other.Setting} yes)").ToList();
        if (forLogins["AuthorizedKeysCommand"] is not "none" and var command)
            warnings.Add($"plain keys can still open a login (AuthorizedKeysCommand {command})");
        return warnings;
    }

    private static bool IsMatch(string line) => line.StartsWith("Match ", StringComparison.Ordinal);

    private static void ExpectToHold(IEnumerable<string> lines, SshdSettings settings)
    {
        foreach (var ours in lines.Select(line => line.Split(' ', 2)))
            if (!settings.Has(ours[0], ours[1]))
                throw new FailureException(
                    $"another setting wins over the drop-in: {ours[0]} is \"{settings[ours[0]]}\"; take it out of sshd_config, or of the drop-in that has it, and make sshd_config include /etc/ssh/sshd_config.d/*.conf before anything else");
    }
}
