using CertAuthority.Terminal;
using CertAuthority.Ui;

// Nobody types this: tsh ui and tctl ui become this program, and it goes on under their name.
return args is [("tsh" or "tctl") and var program, .. var rest]
    ? await Shell.Run(new PageCommand(program), rest)
    : await Shell.Run(new PageCommand("certauthority-ui"), ["--help"]);
