using System.CommandLine;

namespace CertAuthority.Tsh;

/// <summary>The places where a login puts the key.</summary>
internal enum AgentUse
{
    /// <summary>On the disk, and in the running ssh-agent if there is one.</summary>
    Auto,

    /// <summary>On the disk and in the ssh-agent; otherwise the login fails.</summary>
    Yes,

    /// <summary>Only on the disk.</summary>
    No,

    /// <summary>Only in the ssh-agent: no private key stays on the disk.</summary>
    Only,
}

/// <summary>The words for these values.</summary>
internal static class AgentUses
{
    public static AgentUse? TryParse(string word) => word switch
    {
        "auto" => AgentUse.Auto,
        "yes" => AgentUse.Yes,
        "no" => AgentUse.No,
        "only" => AgentUse.Only,
        _ => null,
    };

    public static string Word(this AgentUse use) => use.ToString().ToLowerInvariant();
}

/// <summary><c>--add-keys-to-agent</c>.</summary>
internal sealed class AgentOption : Option<AgentUse?>
{
    public AgentOption()
        : base("--add-keys-to-agent")
    {
        Description =
            "Whether the running ssh-agent gets key and certificate until the certificate ends. only: no private key stays on the disk. Default: as at the last login, else auto";
        HelpName = "auto|yes|no|only";
        CustomParser = result =>
        {
            var use = AgentUses.TryParse(result.Tokens[0].Value);
            if (use is null)
                result.AddError($"--add-keys-to-agent takes auto, yes, no or only, not '{result.Tokens[0].Value}'");
            return use;
        };
    }
}
