using System.CommandLine;
using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary><c>--ssh</c>: the address where the system's ssh can log in today.</summary>
internal sealed class SshOption : Option<ServerAddress.Ssh?>
{
    public SshOption()
        : base("--ssh")
    {
        HelpName = "[USER@]HOST[:PORT]";
        Description = "Where ssh lets you in as root, or as an account for which sudo asks no password";
        CustomParser = result =>
        {
            if (ServerAddress.TryParse($"ssh://{result.Tokens[0].Value}") is ServerAddress.Ssh address)
                return address;
            result.AddError($"--ssh takes [USER@]HOST[:PORT], not '{result.Tokens[0].Value}'");
            return null;
        };
    }
}
